"""Momentum: where the learning rate stands, how the gradient is weighted, and where it is taken."""

from derive.language import decay, grad, nonnegative, rule, unit


@rule(paper="Sutskever et al. 2013, On the importance of initialization and momentum, equations 1-2 (v negated)")
def momentum(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    """Velocity form: the learning rate is inside the velocity."""
    v = beta * v + lr * g
    theta = theta - v
    return theta, v


@rule(paper="Ng 2017, Improving Deep Neural Networks, week 2: gradient descent with momentum")
def momentum_ema(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    """EMA form: the velocity is an average of the gradients."""
    v = beta * v + (1 - beta) * g
    theta = theta - lr * v
    return theta, v


@rule(paper="PyTorch, torch.optim.SGD with momentum, no dampening")
def momentum_lr_outside(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    """Velocity form with the learning rate outside, as in PyTorch."""
    v = beta * v + g
    theta = theta - lr * v
    return theta, v


@rule(paper="Sutskever et al. 2013, On the importance of initialization and momentum, equations 3-4 (v negated)")
def nesterov(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    """Nesterov's accelerated gradient: the gradient is taken at the point the velocity leads to."""
    g = grad(theta - beta * v)
    v = beta * v + lr * g
    theta = theta - v
    return theta, v


@rule(paper="PyTorch, torch.optim.SGD with nesterov=True, no dampening")
def nesterov_torch(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    """Nesterov's accelerated gradient, told at the point where the gradient is taken."""
    v = beta * v + g
    theta = theta - lr * (g + beta * v)
    return theta, v


@rule(paper="Ma & Yarats 2019, Quasi-hyperbolic momentum and Adam for deep learning, equations 3-4", arxiv="1810.06801")
def qhm(theta, g, v=0, *, lr=nonnegative(1), beta=decay(0.999), nu=unit(0.7)):
    """The average of a plain step and a momentum step."""
    v = beta * v + (1 - beta) * g
    theta = theta - lr * ((1 - nu) * g + nu * v)
    return theta, v
