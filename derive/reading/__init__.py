"""Reading: from text to a `Rule`, without executing or importing anything of the text.

    text -> limits -> ast -> statements (explicit stores) -> roles -> Rule

Each front end makes the same small statement form; what the free names of that form mean
(parameter, gradient, counter, state, hyperparameter) is decided last.

`read` and `drafts` are the two doors: definitions whose names say who is who, and pasted texts,
where every role is tried. `python` reads Python syntax, `step` holds the statement form and makes
rules of it, `pasted` makes Python of what is none, and finds the step in what surrounds it.
"""
