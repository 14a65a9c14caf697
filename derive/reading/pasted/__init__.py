"""Pasted text: code and pseudocode as found in blogs, courses, forums and papers, read without roles.

    text -> lines (fences, prose, numbering) -> pieces (unicode, LaTeX, missing signs) -> times (m_{t-1}, m_t)
         -> Python text with the same line numbers -> step -> drafts, one for each parameter -> candidates

Everything up to the Python text is `normalise`; a text that is Python already passes unchanged.
"""
