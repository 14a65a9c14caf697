"""Exponentially weighted averages of a stream `x`."""

from derive.language import decay, rule


@rule(paper="Roberts 1959, Control chart tests based on geometric moving averages, Technometrics 1(3)")
def ewma(x, m=0, *, beta=decay(0.9)):
    """The average starts at zero, so its first values are too small by the factor 1 - beta^t."""
    m = beta * m + (1 - beta) * x
    output = m
    return output, m


@rule(paper="Kingma & Ba 2015, section 3", arxiv="1412.6980")
def ewma_debiased(x, t, m=0, *, beta=decay(0.9)):
    """The average divided by the sum of its weights."""
    m = beta * m + (1 - beta) * x
    output = m / (1 - beta**t)
    return output, m
