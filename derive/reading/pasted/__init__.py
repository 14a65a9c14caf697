"""Pasted text: code and pseudocode as found in blogs, courses, forums and papers, read without roles.

    text -> lines (fences, prose, numbering) -> pieces (unicode, LaTeX, missing signs) -> times (m_{t-1}, m_t)
         -> Python text with the same line numbers -> step -> drafts, one for each parameter -> candidates

Everything up to the Python text is in `text`; a text that is Python already passes unchanged. What leads from
there to the statements of one step is in `code`.
"""
