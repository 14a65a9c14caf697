"""Adam: bias-corrected first moment over the root of the bias-corrected second raw moment."""

from derive.language import decay, nonnegative, rule, sqrt


@rule(paper="Kingma & Ba 2015, Algorithm 1", arxiv="1412.6980")
def adam(theta, g, t, m=0, v=0, *,
         lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):  # fmt: skip
    """epsilon outside the root, after bias correction."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    theta = theta - lr * m_hat / (sqrt(v_hat) + eps)
    return theta, m, v


@rule(paper="Kingma & Ba 2015, end of section 2 (epsilon hat)", arxiv="1412.6980")
def adam_eps_hat(theta, g, t, m=0, v=0, *,
                 lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):  # fmt: skip
    """epsilon before bias correction: the corrections are folded into the learning rate."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    lr_t = lr * sqrt(1 - beta2**t) / (1 - beta1**t)
    theta = theta - lr_t * m / (sqrt(v) + eps)
    return theta, m, v


@rule(paper="Loshchilov & Hutter 2019, Algorithm 2 with L2 regularization", arxiv="1711.05101")
def adam_l2(theta, g, t, m=0, v=0, *,
            lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8),
            weight_decay=nonnegative(0)):  # fmt: skip
    """Coupled weight decay: the decay term passes through both moments."""
    g_decayed = g + weight_decay * theta
    m = beta1 * m + (1 - beta1) * g_decayed
    v = beta2 * v + (1 - beta2) * g_decayed**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    theta = theta - lr * m_hat / (sqrt(v_hat) + eps)
    return theta, m, v


@rule(paper="Loshchilov & Hutter 2019, Algorithm 2 with decoupled decay; the decay scaled by lr as in PyTorch",
      arxiv="1711.05101")  # fmt: skip
def adamw(theta, g, t, m=0, v=0, *,
          lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8),
          weight_decay=nonnegative(1e-2)):  # fmt: skip
    """Decoupled weight decay: the parameter shrinks beside the adaptive step."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    theta = theta - lr * (m_hat / (sqrt(v_hat) + eps) + weight_decay * theta)
    return theta, m, v
