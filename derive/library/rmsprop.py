"""RMSProp: the gradient divided by the root of an average of its squares."""

from derive.language import decay, nonnegative, rule, sqrt


@rule(paper="Tieleman & Hinton 2012, Lecture 6.5, Neural Networks for Machine Learning; epsilon as in PyTorch")
def rmsprop(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.99), eps=nonnegative(1e-8)):
    """epsilon outside the root."""
    v = beta * v + (1 - beta) * g**2
    theta = theta - lr * g / (sqrt(v) + eps)
    return theta, v


@rule(paper="Ruder 2016, An overview of gradient descent optimization algorithms, section 4.5", arxiv="1609.04747")
def rmsprop_eps_inside(theta, g, v=0, *, lr=nonnegative(0.001), beta=decay(0.9), eps=nonnegative(1e-8)):
    """epsilon inside the root."""
    v = beta * v + (1 - beta) * g**2
    theta = theta - lr * g / sqrt(v + eps)
    return theta, v


@rule(
    paper="Graves 2013, Generating sequences with recurrent neural networks, equations 38-40",
    arxiv="1308.0850",
    note="without its momentum; epsilon outside the root and defaults as in PyTorch (Graves has it inside)",
)
def rmsprop_centered(theta, g, v=0, g_mean=0, *, lr=nonnegative(0.01), beta=decay(0.99), eps=nonnegative(1e-8)):
    """An estimate of the variance in place of the second raw moment."""
    v = beta * v + (1 - beta) * g**2
    g_mean = beta * g_mean + (1 - beta) * g
    theta = theta - lr * g / (sqrt(v - g_mean**2) + eps)
    return theta, v, g_mean


@rule(paper="PyTorch, torch.optim.RMSprop with momentum, after Tieleman & Hinton 2012, Lecture 6.5")
def rmsprop_momentum(theta, g, v=0, buf=0, *,
                     lr=nonnegative(0.01), beta=decay(0.99), mu=decay(0.9), eps=nonnegative(1e-8)):  # fmt: skip
    """Momentum over the adapted steps, the learning rate outside."""
    v = beta * v + (1 - beta) * g**2
    buf = mu * buf + g / (sqrt(v) + eps)
    theta = theta - lr * buf
    return theta, v, buf


@rule(
    paper="Kingma & Ba 2015, section 5: RMSProp with Adam's correction, Algorithm 1 with beta1 = 0",
    arxiv="1412.6980",
    note="as optax.rmsprop with bias_correction=True and eps_in_sqrt=False; defaults as in PyTorch's RMSprop",
)
def rmsprop_debiased(theta, g, t, v=0, *, lr=nonnegative(0.01), beta=decay(0.99), eps=nonnegative(1e-8)):
    """The second raw moment divided by the sum of its weights; epsilon outside the root."""
    v = beta * v + (1 - beta) * g**2
    v_hat = v / (1 - beta**t)
    theta = theta - lr * g / (sqrt(v_hat) + eps)
    return theta, v
