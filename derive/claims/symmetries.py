"""Claims about what a rule does not notice: another scale of the loss, of the parameters, another basis."""

from __future__ import annotations

from fractions import Fraction

from derive.claims.claim import Claim, Finding
from derive.stating.properties import invariant
from derive.stating.quantities import Quantity
from derive.stating.runs import run


def bowl(scale: Fraction) -> Quantity:
    """Where Adam with lr = 0.01 is after 200 steps from 1, the loss being scale x^2/2."""
    return run("adam", gradient=lambda x: scale * x, start=1, steps=200, lr=0.01).theta[200]


CLAIMS = (
    Claim(
        "C077",
        "Adam does not notice when gradients, or the loss, are rescaled.",
        ("Kingma & Ba 2015, abstract, arXiv:1412.6980", "https://stats.stackexchange.com/questions/360322"),
        "Multiplying every gradient by the same c > 0 leaves every step of Adam as it is.",
        lambda: invariant("adam", "g"),
        "conditional",
        "Both roots of averages scale with the gradients and epsilon does not. It also takes the same factor at every "
        "step, no clipping, and no decay that is added to the gradient.",
        (
            Finding(
                "with epsilon scaled too it is so for every epsilon", lambda: invariant("adam", {"g": 1, "eps": 1})
            ),
            Finding(
                "gradients of size 1e-8 make a first step of lr/2", lambda: run("adam", [1e-8], lr=1).moved(1) == 0.5
            ),
            Finding(
                "on x^2/2, from 1 with lr = 0.01, 200 steps end at 0.0156; on x^2/2 times 1e-8 at 0.306",
                lambda: (abs(bowl(Fraction(1)) - 0.0156) < 1e-4) & (abs(bowl(Fraction("1e-8")) - 0.3064) < 1e-4),
            ),
        ),
    ),
    Claim(
        "C080",
        "Adam does not notice when parameters are rescaled or rotated.",
        ('Kingma & Ba 2015, abstract, arXiv:1412.6980 ("invariant to diagonal rescaling of the gradients")',),
        "Two coordinates turned by an angle, with their gradients, make turned steps.",
        lambda: invariant("adam", "rotation"),
        "refuted",
        "Every coordinate is divided by a size of its own, which depends on the basis. What is meant is a factor of "
        "the gradients; a scale of theta is another matter, for the step has the size of lr.",
        (
            Finding(
                "gradient descent does turn with its coordinates", lambda: invariant("gradient_descent", "rotation")
            ),
            Finding("Adam may exchange them", lambda: invariant("adam", "permutation")),
            Finding(
                "on x^2/2 one step of size lr = 1 leads from 1 to 0; from 2 it leads to 1, not to 0",
                lambda: (
                    (run("adam", gradient=lambda x: x, start=1, steps=1, eps=0, lr=1).theta[1] == 0)
                    & (run("adam", gradient=lambda x: x, start=2, steps=1, eps=0, lr=1).theta[1] == 1)
                ),
            ),
        ),
    ),
)
