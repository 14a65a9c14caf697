"""The averages for data with holes, and the variances: rules like any other, as their formulas are written.

A value of the data is missing where `x - x == 0` does not hold: NaN, and infinity. Over the reals nothing is missing,
so there each of these rules is the plain one (which the tests prove). `fade` is the share of their weight that older
values keep at a place with no value: beta where time goes on, 1 where the place is passed over. Weights are relative,
so it is the weight of the old average that fades, and the average itself does not change at a hole.
"""

from derive.language import decay, expm1, log, rule, unit, where


@rule(note="zero start: a hole adds nothing")
def ewma_with_holes(x, m=0, *, beta=decay(0.9), fade=unit(0.9)):
    """`ewma` where nothing is missing."""
    m = where(x - x == 0, beta * m + (1 - beta) * x, fade * m)
    output = m
    return output, m


@rule(note="pandas: ewm(adjust=True).mean()")
def ewma_debiased_with_holes(x, m=0, w=0, f=1, *, beta=decay(0.9), fade=unit(0.9)):
    """`ewma_debiased` where nothing is missing: w is then 1 - beta^t.

    f is what the holes since the last value have left of the old weights, which are multiplied when there is another
    one: m / w stays the same at a hole, to the bit, and after any number of them. Before the first value it is 0/0.
    """
    here = x - x == 0
    kept = beta * f
    m = where(here, kept * m + (1 - beta) * x, m)
    w = where(here, kept * w + (1 - beta), w)
    f = where(here, 1, fade * f)
    output = m / w
    return output, m, w, f


@rule(note="pandas: ewm(adjust=False).mean() without missing values")
def ewma_from_first(x, t, m=0, *, beta=decay(0.9)):
    """The average starts at the first value, which so weighs beta^(t-1), more than its share."""
    m = x if t == 1 else beta * m + (1 - beta) * x
    output = m
    return output, m


@rule(note="pandas: ewm(adjust=False).mean()")
def ewma_from_first_with_holes(x, m=0, f=0, s=0, *, beta=decay(0.9), fade=unit(0.9)):
    """`ewma_from_first` where nothing is missing. f is 0 before the first value, which so gets the whole share.

    s is 1 from the first value on.
    """
    here = x - x == 0
    share = (1 - beta) / (beta * f + (1 - beta))
    m = where(here, (1 - share) * m + share * x, m)
    f = where(here, 1, fade * f)
    s = where(here, 1, s)
    output = where(s == 1, m, 0 / 0)
    return output, m, f, s


# Variances. With weights w_i of sum one, the variance about the weighted mean is the sum of w_i (x_i - mean)^2. A value
# that comes in with the share s of all weights moves the mean by s d, where d is its distance from the old mean, and
#
#     variance' = (1 - s) (variance + s d^2).
#
# Its expectation for independent values is (1 - r) times theirs, where r is the sum of the squared weights, the inverse
# of the effective sample size; r' = (1 - s)^2 r + s^2. So variance / (1 - r) has no bias. With W the sum of weights
# before they are made to add up to one, and W2 that of their squares, r = W2 / W^2, and the factor W^2 / (W^2 - W2).


@rule(note="pandas: ewm(adjust=True).var(bias=True) without missing values")
def ewm_variance(x, t, mean=0, variance=0, *, beta=decay(0.9)):
    """The variance under the weights of `ewma_debiased`, of which the newest is (1 - beta) / (1 - beta^t)."""
    s = (1 - beta) / (1 - beta**t)
    d = x - mean
    mean = mean + s * d
    variance = (1 - s) * (variance + s * d**2)
    output = variance
    return output, mean, variance


@rule(note="pandas: ewm(adjust=True).var(bias=False) without missing values")
def ewm_variance_unbiased(x, t, mean=0, variance=0, *, beta=decay(0.9)):
    """Over 1 - r, with r = (1 - beta) (1 + beta^t) / ((1 + beta) (1 - beta^t)); of one value there is none.

    1 - r = 2 beta (1 - beta^(t-1)) / ((1 + beta) (1 - beta^t)), and expm1 keeps the digits of the difference.
    """
    s = (1 - beta) / (1 - beta**t)
    d = x - mean
    mean = mean + s * d
    variance = (1 - s) * (variance + s * d**2)
    output = variance * (1 + beta) * (1 - beta**t) / (2 * beta * -expm1((t - 1) * log(beta)))
    return output, mean, variance


@rule(note="pandas: ewm(adjust=True).var(bias=True)")
def ewm_variance_with_holes(x, mean=0, variance=0, w=0, n=0, *, beta=decay(0.9), fade=unit(0.9)):
    """`ewm_variance` where nothing is missing. n is 1 from the first value on; before it there is no variance."""
    here = x - x == 0
    total = beta * w + (1 - beta)
    s = (1 - beta) / total
    d = x - mean
    mean = where(here, mean + s * d, mean)
    variance = where(here, (1 - s) * (variance + s * d**2), variance)
    w = where(here, total, fade * w)
    n = where(here, 1, n)
    output = where(n == 1, variance, 0 / 0)
    return output, mean, variance, w, n


@rule(note="pandas: ewm(adjust=True).var(bias=False)")
def ewm_variance_unbiased_with_holes(x, mean=0, variance=0, w=0, r=1, *, beta=decay(0.9), fade=unit(0.9)):
    """`ewm_variance_unbiased` where nothing is missing. r is 1 before the second value, so that there is 0/0."""
    here = x - x == 0
    total = beta * w + (1 - beta)
    s = (1 - beta) / total
    d = x - mean
    mean = where(here, mean + s * d, mean)
    variance = where(here, (1 - s) * (variance + s * d**2), variance)
    r = where(here, (1 - s) ** 2 * r + s**2, r)
    w = where(here, total, fade * w)
    output = variance / (1 - r)
    return output, mean, variance, w, r


@rule(note="pandas: ewm(adjust=False).var(bias=True) without missing values")
def ewm_variance_from_first(x, t, mean=0, variance=0, *, beta=decay(0.9)):
    """The variance under the weights of `ewma_from_first`."""
    s = 1 if t == 1 else 1 - beta
    d = x - mean
    mean = mean + s * d
    variance = (1 - s) * (variance + s * d**2)
    output = variance
    return output, mean, variance


@rule(note="pandas: ewm(adjust=False).var(bias=False) without missing values")
def ewm_variance_from_first_unbiased(x, t, mean=0, variance=0, *, beta=decay(0.9)):
    """Over 1 - r, with r = beta^(2(t-1)) + (1 - beta)/(1 + beta) (1 - beta^(2(t-1)))."""
    s = 1 if t == 1 else 1 - beta
    d = x - mean
    mean = mean + s * d
    variance = (1 - s) * (variance + s * d**2)
    output = variance * (1 + beta) / (2 * beta * -expm1(2 * ((t - 1) * log(beta))))
    return output, mean, variance


@rule(note="pandas: ewm(adjust=False).var(bias=True)")
def ewm_variance_from_first_with_holes(x, mean=0, variance=0, w=0, n=0, *, beta=decay(0.9), fade=unit(0.9)):
    """`ewm_variance_from_first` where nothing is missing: all that came before weighs 1 together."""
    here = x - x == 0
    s = (1 - beta) / (beta * w + (1 - beta))
    d = x - mean
    mean = where(here, mean + s * d, mean)
    variance = where(here, (1 - s) * (variance + s * d**2), variance)
    w = where(here, 1, fade * w)
    n = where(here, 1, n)
    output = where(n == 1, variance, 0 / 0)
    return output, mean, variance, w, n


@rule(note="pandas: ewm(adjust=False).var(bias=False)")
def ewm_variance_from_first_unbiased_with_holes(x, mean=0, variance=0, w=0, r=1, *, beta=decay(0.9), fade=unit(0.9)):
    """`ewm_variance_from_first_unbiased` where nothing is missing."""
    here = x - x == 0
    s = (1 - beta) / (beta * w + (1 - beta))
    d = x - mean
    mean = where(here, mean + s * d, mean)
    variance = where(here, (1 - s) * (variance + s * d**2), variance)
    r = where(here, (1 - s) ** 2 * r + s**2, r)
    w = where(here, 1, fade * w)
    output = variance / (1 - r)
    return output, mean, variance, w, r
