"""Steps along the negative gradient, without memory."""

from derive.language import nonnegative, rule


@rule(paper="Cauchy 1847, Méthode générale pour la résolution des systèmes d'équations simultanées")
def gradient_descent(theta, g, *, lr=nonnegative(0.01)):
    """Steepest descent with a constant learning rate."""
    theta = theta - lr * g
    return theta
