"""What is done with the gradient before the step: clipping, and decay that is coupled to it."""

from derive.language import nonnegative, norm, piece, step, where


@piece(paper="Pascanu, Mikolov & Bengio 2013, On the difficulty of training recurrent neural networks, section 3.2")
def clip_by_value(theta, g, *, limit=nonnegative(1)):
    """Every coordinate of the gradient is kept between two ends."""
    g = max(-limit, min(limit, g))
    theta = step(theta, g)
    return theta


@piece(
    paper="Pascanu, Mikolov & Bengio 2013, On the difficulty of training recurrent neural networks, Algorithm 1",
    arxiv="1211.5063",
    note="the norm is that of all tensors together",
)
def clip_by_norm(theta, g, *, max_norm=nonnegative(1)):
    """A gradient longer than the bound is shortened to it."""
    size = norm(g, over="all")
    scale = where(size > max_norm, max_norm / size, 1)
    theta = step(theta, scale * g)
    return theta


@piece(
    paper="PyTorch, torch.nn.utils.clip_grad_norm_",
    note="the norm of all tensors together is increased by 1e-6 before the division",
)
def clip_grad_norm(theta, g, *, max_norm=nonnegative(1)):
    """As PyTorch clips: by a factor that is never above 1."""
    scale = min(1, max_norm / (norm(g, over="all") + 1e-6))
    theta = step(theta, scale * g)
    return theta


@piece(paper="Hanson & Pratt 1988, Comparing biases for minimal network construction with back-propagation")
def coupled_decay(theta, g, *, weight_decay=nonnegative(1e-2)):
    """L2 regularization: the decay is a part of the gradient, and goes through whatever the rule does with that."""
    theta = step(theta, g + weight_decay * theta)
    return theta
