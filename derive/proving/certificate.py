"""What a strategy proposes and the checker examines.

An `Identity` is a tree of cases for a list of equalities: a leaf claims that in its case all
pairs coincide, or both sides are undefined; a split names a quantity and gives a subtree for
each set of signs it can have. A `Correspondence` says how the trajectories of two rules
agree: maps, invariants, and an identity's tree for each of its obligations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.facts import Assumptions, Fact
from derive.algebra.signs import Signs
from derive.expr import Expr, Number, substitute
from derive.rule import Domain, Rule

Pairs = tuple[tuple[Expr, Expr], ...]
Path = tuple[Fact, ...]


@dataclass(frozen=True)
class Leaf:
    """Here every pair coincides."""


@dataclass(frozen=True)
class Split:
    """One subtree for each set of signs of `quantity`; together they must cover what is possible."""

    quantity: Expr
    branches: tuple[tuple[Signs, Tree], ...]


@dataclass(frozen=True)
class Solved:
    """Here every pair coincides on the word of another prover, which the checker asks again; `by` says which it was."""

    by: str


@dataclass(frozen=True)
class Boxed:
    """Here the sides of every pair are defined and equal, as ball arithmetic shows cell by cell; see `Everywhere`."""

    cells: Cells


@dataclass(frozen=True)
class Nested:
    """Here the one pair says that an inequality holds, which is shown by its own slope."""

    proof: Sloped


Tree = Leaf | Split | Solved | Boxed | Nested


@dataclass(frozen=True)
class Identity:
    """Claim: wherever the assumptions hold, the left sides and the right sides coincide as partial functions."""

    pairs: Pairs
    assumptions: Assumptions
    tree: Tree


@dataclass(frozen=True)
class Invariants:
    """Claim: from the initial state on, each named state of the rule is nonnegative wherever it is defined."""

    rule: Rule
    names: tuple[str, ...]
    trees: tuple[Tree, ...]


@dataclass(frozen=True)
class Correspondence:
    """Claim: for all gradients, the trajectories of `a` and `b` coincide, with these maps.

    `states` gives states of `b`, and its `theta`, before step t in the names of `a`; a state of
    `b` that is left out may have any value, and is written "b.NAME". `hyperparameters` gives each
    hyperparameter of `b`, `inverse` each one of `a` in those of `b` (written "b.lr"). Those in
    `scheduled` may change from step to step, on both sides under the same name. With `while_defined`
    nothing is claimed from the first step on that either side leaves undefined. `trees` proves the
    obligations, in their order.
    """

    a: Rule
    b: Rule
    states: Mapping[str, Expr]
    hyperparameters: Mapping[str, Expr]
    inverse: Mapping[str, Expr]
    invariants: Invariants
    trees: tuple[Tree, ...]
    scheduled: frozenset[str] = frozenset()
    while_defined: bool = False


Condition = Mapping[str, Expr]


@dataclass(frozen=True)
class Exactness:
    """Claim: where none of the conditions holds, one of these runs tells the two rules apart.

    A condition gives values to hyperparameters by their bare names, which mean the same on both
    sides. A run is the start and the gradients answered. `tree` proves the one obligation. Where
    hyperparameters are `scheduled` it is about those that are not constant: the runs have two
    answers, and begin at the first change; until then both rules rest.
    """

    a: Rule
    b: Rule
    conditions: tuple[Condition, ...]
    runs: tuple[tuple[Fraction, tuple[Fraction, ...]], ...]
    tree: Tree
    scheduled: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Conditional:
    """Claim: under each condition the two rules are equal; with `exactness`, under no other setting.

    `correspondences` are those of the rules with the condition's values put in, in either order.
    Those in `scheduled` may change from step to step; `constant` proves what holds where they do not.
    """

    a: Rule
    b: Rule
    conditions: tuple[Condition, ...]
    correspondences: tuple[Correspondence, ...]
    exactness: Exactness | None = None
    scheduled: frozenset[str] = frozenset()
    constant: Correspondence | Conditional | None = None


@dataclass(frozen=True)
class Limit:
    """Claim: as the whole number `variable` grows, `expr` tends to `limit`, wherever `at_zero` is defined.

    `continuous` is `expr` with variable^degree base^variable replaced by the name `powers` gives the
    base, and variable^(-1/2) by `root`: both vanish, for bases in [0, 1) and any degree. It is made of
    continuous operations, so its value where those names are zero (`at_zero`) is the limit. `trees`
    proves the obligations, in their order.
    """

    expr: Expr
    variable: str
    limit: Expr
    continuous: Expr
    powers: Mapping[str, Expr]
    root: str
    assumptions: Assumptions
    trees: tuple[Tree, ...]
    degree: int = 0

    @property
    def at_zero(self) -> Expr:
        """The continuous form where everything that vanishes is zero."""
        return substitute([self.continuous], dict.fromkeys([*self.powers, self.root], Number(0)))[0]


@dataclass(frozen=True)
class Halves:
    """A box cut at a value of one of its names: the part up to it, and the part from it on (or from the next whole)."""

    name: str
    at: Fraction
    below: Cells
    above: Cells


Cells = Halves | None  # None: the box as it is


@dataclass(frozen=True)
class Everywhere:
    """Claim: `condition` is true wherever every name lies in its domain, which ball arithmetic shows cell by cell.

    Ends count as part of a domain. Only a whole number may grow without bound.
    """

    condition: Expr
    box: Mapping[str, Domain]
    cells: Cells


@dataclass(frozen=True)
class Sufficient:
    """Claim: wherever one of the conditions holds the statement is defined and true; with `exact`, nowhere else.

    All of it where the premises hold. `trees` proves that of each condition, `exact` that the statement is true
    only where one of them holds.
    """

    statement: Expr
    conditions: tuple[Expr, ...]
    assumptions: Assumptions
    trees: tuple[Tree, ...]
    exact: Tree | None = None
    premises: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Sloped:
    """Claim: an inequality is defined and true wherever the premises hold, for its two sides part at a number.

    With f the larger side less the smaller: f is not negative where `name` is `at`, falls up to there and rises from
    there on, so by the mean value theorem it is positive elsewhere. `trees` proves the obligations, in their order.
    """

    condition: Expr
    name: str
    at: Fraction
    assumptions: Assumptions
    premises: tuple[Expr, ...]
    trees: tuple[Tree, ...]


@dataclass(frozen=True)
class Induction:
    """Claim: a condition is defined and true wherever the premises hold, for every whole number `name`.

    It is so for the least, and where it is so for a number it is so for the next; the premises do not mention it.
    `trees` proves the two.
    """

    condition: Expr
    name: str
    assumptions: Assumptions
    premises: tuple[Expr, ...]
    trees: tuple[Tree, ...]


Certificate = (
    Identity
    | Invariants
    | Correspondence
    | Exactness
    | Conditional
    | Limit
    | Everywhere
    | Sufficient
    | Sloped
    | Induction
)


def leaves(tree: Tree) -> int:
    """How many cases the tree has."""
    return sum(leaves(branch) for _, branch in tree.branches) if isinstance(tree, Split) else 1


def decided_by(*trees: Tree) -> tuple[str, ...]:
    """The other provers on whose word the trees rest, in words; mostly none."""
    found: dict[str, None] = {}
    for tree in trees:
        if isinstance(tree, Solved):
            found[f"decided by {tree.by}"] = None
        elif isinstance(tree, Split):
            found |= dict.fromkeys(decided_by(*(branch for _, branch in tree.branches)))
        elif isinstance(tree, Nested):
            found |= dict.fromkeys(decided_by(*tree.proof.trees))
    return tuple(found)
