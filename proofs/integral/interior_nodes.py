"""Dividing the product over the whole group by one of its factors is safe at a node, which lies inside the interval."""

import sympy as sp

from ..checking import Claim, Domain, Manifest, Step, le

t, l = sp.symbols("t l", real=True)

CLAIM = Claim(
    id="interior-nodes",
    says="A factor 1 - t l lies between 1 - t, positive for t < 1, and 1: leaving rollout i out by division is safe",
    domain=Domain(sp.Ge(t, 0), sp.Lt(t, 1), sp.Ge(l, 0), sp.Le(l, 1)),
    steps=(
        Step("at least 1 - t, attained at l = 1", le(1 - t, 1 - t * l), Manifest(t * (1 - l))),
        Step("at most 1, attained at l = 0", le(1 - t * l, 1), Manifest(t * l)),
    ),
    sibling=le(1 - t / 2, 1 - t * l),
)
