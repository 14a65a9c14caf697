"""Steps along signs: the size of the gradient does not matter, or only through what is remembered of it."""

from derive.language import decay, nonnegative, positive, rule, sign


@rule(paper="Bernstein et al. 2018, signSGD, Algorithm 1; learning rate as in MXNet", arxiv="1802.04434")
def sign_sgd(theta, g, *, lr=nonnegative(0.01)):
    """Every coordinate moves by the learning rate."""
    theta = theta - lr * sign(g)
    return theta


@rule(paper="Bernstein et al. 2018, signSGD, Algorithm 2 (Signum); defaults as in MXNet", arxiv="1802.04434")
def signum(theta, g, m=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    """The sign of an average of the gradients."""
    m = beta * m + (1 - beta) * g
    theta = theta - lr * sign(m)
    return theta, m


@rule(paper="Chen et al. 2023, Symbolic discovery of optimization algorithms, Algorithm 2", arxiv="2302.06675")
def lion(theta, g, m=0, *,
         lr=nonnegative(1e-4), beta1=decay(0.9), beta2=decay(0.99), weight_decay=nonnegative(0)):  # fmt: skip
    """Two decays: one for the sign that is taken, another for what is remembered; decoupled weight decay."""
    c = beta1 * m + (1 - beta1) * g
    theta = theta - lr * (sign(c) + weight_decay * theta)
    m = beta2 * m + (1 - beta2) * g
    return theta, m


@rule(
    paper="Riedmiller & Braun 1993, A direct adaptive method for faster backpropagation learning: the RPROP algorithm",
    note="without taking a step back where the sign changes (Igel & Hüsken 2000, iRprop-), as in PyTorch",
)
def rprop(theta, g, previous=0, step=None, *,
          lr=nonnegative(0.01), eta_minus=decay(0.5), eta_plus=positive(1.2),
          step_min=nonnegative(1e-6), step_max=nonnegative(50)):  # fmt: skip
    """A step of its own for every coordinate, that grows while the sign stays and shrinks where it changes."""
    if step is None:
        step = lr
    change = g * previous
    factor = eta_plus if change > 0 else eta_minus if change < 0 else 1
    step = min(max(step * factor, step_min), step_max)
    g = 0 if change < 0 else g
    theta = theta - step * sign(g)
    previous = g
    return theta, previous, step
