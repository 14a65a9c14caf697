"""Names of the rule language in LaTeX."""

from __future__ import annotations

import re

GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "eta",
        "theta",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "rho",
        "sigma",
        "tau",
        "phi",
        "psi",
        "omega",
        "xi",
        "zeta",
    ]
)
CONVENTIONAL = {"eps": r"\varepsilon", "weight_decay": r"\lambda"}
ACCENTS = {"hat": "hat", "bar": "bar", "tilde": "tilde"}
_NAME = re.compile(r"^([A-Za-z]+?)(\d*)((?:_[A-Za-z0-9]+)*)('*)(?:\[(.+)\])?$")


def symbol_latex(name: str) -> str:
    r"""A name of the rule language in LaTeX: `beta1`, `m_hat`, `m[t-1]`, `weight_decay`."""
    if name in CONVENTIONAL:
        return CONVENTIONAL[name]
    match = _NAME.match(name)
    if match is None:
        return rf"\mathrm{{{_escaped(name)}}}"
    stem, digits, tail, primes, index = match.groups()
    parts = tail.split("_")[1:]
    accents = [p for p in parts if p in ACCENTS]
    words = [p for p in parts if p not in ACCENTS]
    if len(stem) > 1 and stem not in GREEK and stem not in CONVENTIONAL and (words or digits):
        base, words = rf"\mathrm{{{_escaped('_'.join([stem + digits, *words]))}}}", []
    else:
        base = _stem(stem)
        words = [digits, *words] if digits else words
    for accent in accents:
        base = rf"\{ACCENTS[accent]}{{{base}}}"
    # A name such as lr_t says its index already.
    written = [
        f"({w})" if w.isdigit() and w != digits else w if len(w) == 1 or w.isdigit() else rf"\mathrm{{{w}}}"
        for w in words
        if w != index
    ]
    below = ",".join([*written, *([index] if index else [])])
    return f"{base}{primes}_{{{below}}}" if below else f"{base}{primes}"


def _word(word: str, digits: str) -> str:
    """A part of a name below its line; `m_1` is another name than `m1`."""
    if word.isdigit():
        return word if word == digits else f"({word})"
    return word if len(word) == 1 else rf"\mathrm{{{word}}}"


def _stem(stem: str) -> str:
    if stem in CONVENTIONAL:
        return CONVENTIONAL[stem]
    if stem in GREEK:
        return rf"\{stem}"
    return stem if len(stem) == 1 else rf"\mathrm{{{stem}}}"


def _escaped(text: str) -> str:
    return text.replace("_", r"\_").replace("[", r"\lbrack ").replace("]", r"\rbrack ")
