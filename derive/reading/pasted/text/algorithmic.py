"""The commands of LaTeX's packages for algorithms, in the words of pseudocode.

\\State $m_t \\gets 0$        m_t \\gets 0          \\While{not converged}     while not converged do
\\Require $\\alpha$: rate                           \\EndWhile                 end
\\KwIn{rate $\\eta$}                                \\While{$t < T$}{          while t < T do {
"""

from __future__ import annotations

import re

from derive.reading.pasted.text.signs import ACCENT_COMMANDS, CALLED, COMMANDS, LATEX_GREEK

_GROUP = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
_HEADS = {
    "while": "while {} do", "for": "for {} do", "forall": "for each {} do", "foreach": "for each {} do",
    "if": "if {} then", "elsif": "else if {} then", "elseif": "else if {} then", "uif": "if {} then",
    "lif": "if {} then",
}  # fmt: skip
_WORDS = {
    "else": "else", "repeat": "repeat", "loop": "loop", "until": "end", "return": "return", "endwhile": "end",
    "endfor": "end", "endif": "end", "endloop": "end", "endprocedure": "", "endfunction": "",
}  # fmt: skip
_HEAD = re.compile(rf"^\s*\\(?P<name>{'|'.join(_HEADS)})\s*{_GROUP}\s*(?P<open>\{{?)", re.IGNORECASE)
_WORD = re.compile(rf"^(?P<indent>\s*)\\(?P<name>{'|'.join(_WORDS)})(?![A-Za-z])(?:\s*{_GROUP})?", re.IGNORECASE)
_STATE = re.compile(r"^(\s*)\\(?:state|statex|statep)x?(?![A-Za-z])\s*", re.IGNORECASE)
_SAID = re.compile(
    r"^\s*\\(?:require|ensure|input|output|kwin|kwout|kwdata|kwresult|procedure|function)(?![A-Za-z]).*$", re.IGNORECASE
)
_REMARK = re.compile(rf"\\(?:comment|tcp|tcc|tcp\*)\*?\s*(?:\[[^\]]*\])?{_GROUP}", re.IGNORECASE)
_ALONE = re.compile(rf"^\s*\\(?P<name>[A-Za-z]+)\*?(?:\s*\[[^\]]*\]|\s*{_GROUP})*\s*$")
_MATHEMATICS = frozenset({*ACCENT_COMMANDS, *CALLED, *COMMANDS, *LATEX_GREEK, "frac", "dfrac", "tfrac", "nabla",
                          "partial", "begin", "end"})  # fmt: skip


def plainly(line: str) -> str:
    """A line in the words of pseudocode; empty where it sets up the page."""
    if "\\" not in line:
        return line
    line = _REMARK.sub("", re.sub(r"\\;\s*$", "", line))
    line = _STATE.sub(r"\1", line)
    if found := _HEAD.match(line):
        return f"{_HEADS[found['name'].lower()].format(_plain(found[2]))} {found['open']}".strip() + line[found.end() :]
    if found := _WORD.match(line):
        return found["indent"] + _WORDS[found["name"].lower()] + line[found.end() :]
    if _SAID.match(line):
        return ""
    if (found := _ALONE.match(line)) and found["name"] not in _MATHEMATICS:
        return ""
    return line


def _plain(condition: str) -> str:
    return condition.replace("$", "")
