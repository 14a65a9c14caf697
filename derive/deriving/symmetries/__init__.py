"""Symmetries of a rule: what of its inputs can be changed so that its steps only change alike.

Each is proved for all gradients by an induction that the checker accepts, refuted by a run, or holds where
some hyperparameters are zero; scaling other hyperparameters along may restore it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from derive.deriving.derivation import Derivation
from derive.deriving.symmetries.coordinates import permutation, rotation
from derive.deriving.symmetries.kinds import ALIKE, KINDS, decide_kind, decide_scaling
from derive.deriving.symmetries.shown import of_kind, of_permutation, of_rotation
from derive.errors import UserError
from derive.proving import Verdict
from derive.rule import Rule

COORDINATES = {"permutation": permutation, "rotation": rotation}
FURTHER = ("theta", "quadratic", "time")
NAMES = (*KINDS, *ALIKE, *COORDINATES)


def invariant(rule: Rule, scale: str | Mapping[str, int | Fraction] = "g") -> Verdict:
    """Whether the rule has a symmetry, called by its name; or whether a joint scaling leaves its steps alike.

    "g" asks for the same steps when every gradient is multiplied by c > 0, "batch" (a sum in place of a mean) as
    well; "theta" for c times the steps from c times the parameter; "units" for that with gradients divided by c,
    "quadratic" with gradients multiplied by c; "sign", "translation", "permutation", "rotation" of coordinates;
    "time" for steps that do not depend on when counting began. A mapping gives the power of c by which theta, g and
    hyperparameters are multiplied: `{"g": 1, "eps": 1}`. Raises UserError for other names.
    """
    if rule.is_average:
        raise UserError(f"{rule.name} is an average", where=rule.where, fix="ask this of a rule with a parameter")
    if isinstance(scale, str):
        return _named(rule, scale)
    known = {"theta", "g", *rule.hyperparameter_names}
    for name in scale:
        if name not in known:
            raise UserError(f"{name!r} can't be scaled", where=rule.name, fix=f"scale {', '.join(sorted(known))}")
    return decide_scaling(rule, {n: Fraction(e) for n, e in scale.items()}).verdict


def _named(rule: Rule, name: str) -> Verdict:
    if name in COORDINATES:
        return COORDINATES[name](rule)
    kind = KINDS.get(ALIKE.get(name, name))
    if kind is None:
        raise UserError(f"there is no symmetry {name!r}", fix=f"these are {', '.join(NAMES)}")
    return decide_kind(rule, kind).verdict


def invariances(rule: Rule) -> tuple[Derivation, ...]:
    """The symmetries decided for the rule, with their proofs or the runs that break them; none of an average.

    `invariant` knows three more: of theta alone, of theta and the gradients together, and of time.
    """
    if rule.is_average:
        return ()
    found = [
        *(of_kind(rule, kind) for name, kind in KINDS.items() if name not in FURTHER),
        of_permutation(rule),
        of_rotation(rule),
    ]
    return tuple(derivation for derivation in found if derivation is not None)


__all__ = ["NAMES", "invariances", "invariant"]
