"""Pasted text to Python text with the same lines: unicode, LaTeX, prose, and languages other than Python."""
