"""Pages as a browser sees them: what they ask for, what they complain of, and what does not fit on a phone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PHONE = 390
# Whatever a page asks of another host is refused by this, and said on the console.
POLICY = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
]  # fmt: skip
LOOK = """<!doctype html><title>look</title><script>
const say = body => fetch("/said", {method: "POST", body: JSON.stringify(body)})
async function look(page) {
  const frame = document.createElement("iframe")
  Object.assign(frame, {src: page, width: WIDTH, height: 800})
  await new Promise(done => { frame.onload = done; document.body.append(frame) })
  const there = frame.contentDocument
  await there.fonts.ready
  there.querySelectorAll("details").forEach(part => part.open = true)
  const wide = there.documentElement.scrollWidth
  const formulas = [...there.querySelectorAll("math")]
  const unseen = formulas.filter(formula => formula.getBoundingClientRect().height < 4).length
  frame.remove()
  return {page, wide, formulas: formulas.length, unseen}
}
onload = async () => { const seen = []; for (const page of PAGES) seen.push(await look(page)); await say(seen) }
</script><body>"""


@dataclass
class Seen:
    """What came of looking at some pages."""

    pages: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)


def chromium() -> str | None:
    """Where Chromium is, if it is."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def look(browser: str, site: Path, pages: Sequence[str], profile: Path, seconds: float = 60) -> Seen:
    """Open every page of the site in a window as wide as a phone, every folded part unfolded."""
    seen, answered = Seen(), threading.Event()
    with _served(site, pages, seen, answered) as address, (profile.with_suffix(".log")).open("w+") as log:
        command = [browser, *QUIET, f"--user-data-dir={profile}", f"{address}/look"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        try:
            answered.wait(seconds)
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        seen.console = re.findall(r"CONSOLE.*", log.read())
    return seen


@contextmanager
def _served(site: Path, pages: Sequence[str], seen: Seen, answered: threading.Event) -> Iterator[str]:
    text = LOOK.replace("PAGES", json.dumps([f"/{page}" for page in pages])).replace("WIDTH", str(PHONE))

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/look":
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(text.encode())
            else:
                super().do_GET()

        def do_POST(self) -> None:
            seen.pages = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()
            answered.set()

        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", POLICY)
            super().end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            if len(args) > 1 and str(args[1]) == "404" and self.path != "/favicon.ico":
                seen.missing.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
