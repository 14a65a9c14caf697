"""Schedules as formulas in the step counter t: factors between 0 and 1 for a hyperparameter."""

from derive.language import cos, schedule, sqrt, unit, whole

PI = 3.141592653589793


@schedule
def constant(t, *, factor=unit(1)):
    """The same at every step."""
    return factor


@schedule
def linear_warmup(t, *, warmup=whole(1000)):
    """From nothing in a straight line, then constant."""
    return min(1, t / warmup)


@schedule(paper="Loshchilov & Hutter 2017, SGDR: stochastic gradient descent with warm restarts, equation 5 (one run)",
          arxiv="1608.03983")  # fmt: skip
def cosine(t, *, steps=whole(10000), end=unit(0)):
    """Half a cosine from one to `end`, reached at the step `steps` and then kept."""
    return end + (1 - end) * (1 + cos(PI * t / steps)) / 2 if t < steps else end


@schedule(paper="Vaswani et al. 2017, Attention is all you need, equation 3, the largest factor being one",
          arxiv="1706.03762")  # fmt: skip
def inverse_sqrt(t, *, warmup=whole(4000)):
    """A straight line up, then the inverse root of the step."""
    return t / warmup if t < warmup else sqrt(warmup / t)


@schedule(paper="Loshchilov & Hutter 2017, equation 5, after a linear warm-up as in Goyal et al. 2017",
          arxiv="1608.03983")  # fmt: skip
def warmup_cosine(t, *, warmup=whole(1000), steps=whole(10000), end=unit(0)):
    """A straight line up, then half a cosine down to `end` at the step `steps`."""
    falling = end + (1 - end) * (1 + cos(PI * (t - warmup) / (steps - warmup))) / 2
    return t / warmup if t <= warmup else falling if t < steps else end


@schedule(paper="Hu et al. 2024, MiniCPM, section 4: warm-up, stable, decay; linear in both", arxiv="2404.06395")
def wsd(t, *, warmup=whole(1000), stable=whole(8000), steps=whole(10000), end=unit(0)):
    """A straight line up, constant until the step `stable`, and a straight line down to `end` at the step `steps`."""
    falling = end + (1 - end) * (steps - t) / (steps - stable)
    return t / warmup if t < warmup else 1 if t <= stable else falling if t < steps else end
