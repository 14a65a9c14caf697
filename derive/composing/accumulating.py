"""One step for several gradients."""

from derive.language import floor, piece, step, whole


@piece(
    paper="PyTorch, Automatic mixed precision examples: gradient accumulation",
    note="the mean of the gradients; the rule counts the steps it makes",
)
def accumulated(theta, g, t, total=0, *, every=whole(4)):
    """The rule makes a step with the mean of so many gradients, and nothing moves in between."""
    total = total + g
    if floor(t / every) == t / every:
        theta = step(theta, total / every, t=t / every)
        total = 0
    return theta, total
