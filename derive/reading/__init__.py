"""Reading: from text to a `Rule`, without executing or importing anything of the text.

    text -> limits -> ast -> statements (explicit stores) -> roles -> Rule

Each front end (a function, a class, a loop) makes the same small statement form; what the free
names of that form mean (parameter, gradient, counter, state, hyperparameter) is decided last.
"""
