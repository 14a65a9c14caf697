"""What is done with the parameter beside and after the step: decay, averages, masks, and looking ahead."""

from derive.language import decay, floor, nonnegative, piece, step, unit, where, whole


@piece(
    paper="Loshchilov & Hutter 2019, Algorithm 2; the decay scaled by lr as in PyTorch",
    arxiv="1711.05101",
)
def decoupled_decay(theta, g, *, lr=nonnegative(), weight_decay=nonnegative(1e-2)):
    """The parameter shrinks beside the step, by the rule's own learning rate."""
    theta = step(theta, g) - lr * weight_decay * theta
    return theta


@piece(paper="Polyak & Juditsky 1992, Acceleration of stochastic approximation by averaging; exponential, as in Adam's "
             "section 7.2", arxiv="1412.6980")  # fmt: skip
def ema_of_weights(theta, g, average=None, *, ema_decay=decay(0.999)):
    """An exponential average of the parameter, from its start; the parameter goes its way without it."""
    if average is None:
        average = theta
    theta = step(theta, g)
    average = ema_decay * average + (1 - ema_decay) * theta
    return theta, average


@piece(paper="Izmailov et al. 2018, Averaging weights leads to wider optima and better generalization, equation 3",
       arxiv="1803.05407")  # fmt: skip
def mean_of_weights(theta, g, t, average=0):
    """The mean of the parameters that the steps have made."""
    theta = step(theta, g)
    average = average + (theta - average) / t
    return theta, average


@piece(
    paper="Liang et al. 2024, Cautious optimizers: improving training with one line of code, Algorithm 1",
    arxiv="2411.16085",
    note="without scaling the steps that are left by the share of coordinates",
)
def cautious(theta, g):
    """A coordinate whose step would go against the gradient stays."""
    u = theta - step(theta, g)
    theta = theta - where(u * g > 0, u, 0)
    return theta


@piece(
    paper="Zhang et al. 2019, Lookahead optimizer: k steps forward, 1 step back, Algorithm 1",
    arxiv="1907.08610",
    note="the state of the rule is kept where the parameter is set back",
)
def lookahead(theta, g, t, slow=None, *, every=whole(5), alpha=unit(0.5)):
    """After some steps the parameter goes back to a point between where they began and where they led."""
    if slow is None:
        slow = theta
    theta = step(theta, g)
    if floor(t / every) == t / every:
        slow = slow + alpha * (theta - slow)
        theta = slow
    return theta, slow
