"""Claims about numbers of few bits: constants that vanish, averages that stand still, decay that does nothing."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.claims.claim import Claim, Finding
from derive.library.lookup import find_rule
from derive.stating.precision import held, rounded, threshold
from derive.stating.quantities import Quantity

ADAM: Any = find_rule("adam")


def kept(steps: int) -> Quantity:
    """Adam's v, kept in bfloat16 and calculated in float32, this many steps after it was 1, with no gradient since."""
    return held(ADAM.v, "bfloat16", steps, arithmetic="float32")


CLAIMS = (
    Claim(
        "C112",
        "Adam's default epsilon 1e-8 vanishes in float16.",
        ("https://github.com/chainer/chainer/issues/6299", "https://github.com/google-deepmind/optax/pull/1769"),
        "1e-8 rounded to float16 is 0.",
        lambda: rounded("float16", 1e-8) == 0,
        "proved",
        "Everything up to half the smallest number, 2^-25, rounds to 0. So do the squares of gradients.",
        (
            Finding(
                "the largest value that becomes 0 is 2^-25",
                lambda: threshold("adam", "float16", "constant", "eps") == Fraction(1, 2**25),
            ),
            Finding(
                "the square of a gradient is 0 up to 1.7e-4 at least",
                lambda: threshold("adam", "float16", "underflow", "g**2") >= Fraction(17, 100_000),
            ),
            Finding(
                "where v stays 0, up to gradients of 5.5e-3, the first step is infinite",
                lambda: threshold("adam", "float16", "start", "theta") >= Fraction(55, 10_000),
            ),
        ),
    ),
    Claim(
        "C113",
        "1e-8 has too many digits for a float, so it becomes 0.",
        ("https://github.com/OpenMined/PySyft/pull/740",),
        "1e-8 rounded to float32 is 0.",
        lambda: rounded("float32", 1e-8) == 0,
        "refuted",
        "Digits are not what counts: float32 goes down to 1.4e-45. It is so in float16.",
        (
            Finding(
                "it is 1e-8 within one part in 10 million",
                lambda: (rounded("float32", 1e-8) * 10**8 - 1) ** 2 < Fraction(1, 10**14),
            ),
            Finding("in float16 it is 0", lambda: rounded("float16", 1e-8) == 0),
        ),
    ),
    Claim(
        "C115",
        "Keeping the second moment in bfloat16 is harmless.",
        ("https://github.com/NVIDIA-NeMo/Automodel/pull/2248",),
        "v of Adam at the defaults, kept in bfloat16 and calculated in float32, comes from 1 to below 1/2 in 20,000 "
        "steps without a gradient.",
        lambda: kept(20_000) < Fraction(1, 2),
        "refuted",
        "A thousandth of v is less than half a unit in its last place, so v never decays, whatever it is; it only "
        "grows, where g^2 is more than about 3 to 4.9 times v. Harmless with float32 state or stochastic rounding.",
        (
            Finding("it is still 1", lambda: kept(20_000) == 1),
            Finding(
                "from beta2 = 1 - 2^-9 on not even v = 1 decays, which is the first to do so",
                lambda: threshold("adam", "bfloat16", "decay", "beta2", arithmetic="float32") == 1 - Fraction(1, 2**9),
            ),
            Finding(
                "at v = 1 a gradient of 2.2 does not make it grow",
                lambda: threshold("adam", "bfloat16", "growth", "1 - beta2", arithmetic="float32") >= Fraction(22, 10),
            ),
        ),
    ),
    Claim(
        "C116",
        "The smallest relative change bfloat16 can represent is 0.008, so lr * weight_decay below that does nothing.",
        ("https://github.com/Nerogar/OneTrainer/issues/996",),
        "1 - 0.0025 rounded to bfloat16 is 1.",
        lambda: rounded("bfloat16", 1 - Fraction(25, 10_000)) == 1,
        "refuted",
        "The spacing above 1 is 0.0078, but rounding to nearest keeps changes of more than half a unit: 2^-9 "
        "downwards, where numbers lie twice as dense, and 2^-8 upwards.",
        (
            Finding("it is 1 - 2^-8", lambda: rounded("bfloat16", 1 - Fraction(25, 10_000)) == 1 - Fraction(1, 2**8)),
            Finding("2^-9 downwards does nothing", lambda: rounded("bfloat16", 1 - Fraction(1, 2**9)) == 1),
            Finding("2^-8 upwards does nothing", lambda: rounded("bfloat16", 1 + Fraction(1, 2**8)) == 1),
            Finding(
                "more than 2^-8 upwards does",
                lambda: rounded("bfloat16", 1 + Fraction(1, 2**8) + Fraction(1, 2**20)) > 1,
            ),
            Finding(
                "weight decay at the learning rate 0.001 does nothing up to 1.95",
                lambda: (
                    threshold("adamw", "bfloat16", "shrink", "lr * weight_decay", arithmetic="float32")
                    >= Fraction(195, 100)
                ),
            ),
        ),
    ),
)
