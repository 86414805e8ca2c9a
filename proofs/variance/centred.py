"""Centred failures z = q - E q = p - l: products of them over different sets of rollouts are uncorrelated."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from ..checking import Domain, Refuted, Rule, eq
from ..checking.algebra import expand
from ..checking.identities import require_equal, sides, single
from ..checking.statistics import GROUP, OTHERS, REST, SIZES, E, M, Mean, S_i, S_j, grad, l_i, l_j, m_SS, p

z_i, z_j = sp.symbols("z_i z_j", real=True)
v, m_zzS, m_zSS, m_zzSS = sp.symbols("v m_zzS m_zSS m_zzSS", real=True)
MOMENTS = {(0, 0): sp.S.One, (1, 0): sp.S.Zero, (2, 0): v, (0, 1): sp.S.Zero, (1, 1): -grad, (2, 1): m_zzS}
MOMENTS |= {(0, 2): m_SS, (1, 2): m_zSS, (2, 2): m_zzSS}  # E[z^a S^b] at (a, b)
OTHERWISE_RANDOM = (l_i, l_j, M, GROUP, OTHERS, REST, Mean)


class e(sp.Function):  # noqa: N801 - as it is written
    """The sum over all h-subsets of the members of the product of z; there are none for h < 0."""

    nargs = 2

    def _latex(self, printer: sp.printing.latex.LatexPrinter, exp: str | None = None) -> str:
        of = {GROUP: "z", OTHERS: "z_{-i}", REST: "z_{-i,j}"}[self.args[1]]
        power = f"^{{{exp}}}" if exp else ""
        return rf"e_{{{printer._print(self.args[0])}}}{power}\left({of}\right)"


@dataclass(frozen=True)
class MultipliedOut(Rule):
    """E_k(q) = Sum_{h=0}^k term e_h(z), for q = (1-p) + z, by multiplying out every product of k of the q.

    An h-subset is part of C(n-h, k-h) of the C(n, k) k-subsets of n members, and the other k - h factors give 1 - p.
    """

    def check(self, relation: Relational, domain: Domain) -> None:
        """Compare the term with the share of k-subsets times the power."""
        left, right = sides(relation)
        if not isinstance(left, E):
            raise Refuted(f"{left} is no E_k")
        (k, members), (term, (h, low, high)) = left.args, single(right, sp.Sum, domain)
        n = SIZES[members]
        if (low, high) != (0, k) or not domain.nonnegative(k) or not domain.nonnegative(n - k):
            raise Refuted(f"a {k}-subset of {n} has no part of {low}..{high} members")
        share = sp.binomial(n - h, k - h) / sp.binomial(n, k)
        inside = domain.given(sp.Ge(h, 0), sp.Le(h, k))
        require_equal(term, share * (1 - p) ** (k - h) * e(h, members), inside, "the shares are others")


@dataclass(frozen=True)
class Uncorrelated(Rule):
    """Means of products of two sums over h of e_h(z) with coefficients; then the rule is applied.

    The product of z over a set has mean zero, unless the set is empty. That of the products over two sets is zero
    too if they differ, for then some z stands in one of them alone, and v^r if they are the same r rollouts. So the
    mean of (Sum a_h e_h)(Sum b_h e_h) is Sum_r C(n, r) a_r b_r v^r. The coefficients are functions of rollouts i and
    j, which are not among the members, and their means are taken by independence.
    """

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Replace every mean and apply the rule."""
        left, right = (
            side.replace(lambda node: isinstance(node, Mean), lambda node: _mean(node.args[0], domain))
            for side in sides(relation)
        )
        self.then.check(eq(left, right), domain)


@functools.lru_cache(maxsize=256)  # a statement that is changed elsewhere has the same means
def _mean(statistic: sp.Expr, domain: Domain) -> sp.Expr:
    """The mean of a product in which two factors are sums."""
    totals, rest = [], sp.S.One
    for factor in sp.Mul.make_args(statistic):
        base, times = factor.as_base_exp()
        if isinstance(base, sp.Sum) and times in (1, 2):
            totals += [base] * int(times)
        else:
            rest *= factor
    if len(totals) != 2:
        raise Refuted(f"{statistic} is no product of two sums")
    r, result = sp.Dummy("r", integer=True), sp.S.Zero
    first, second = (_by_size(total, r, domain) for total in totals)
    for a, members, low, high in first:
        for b, same, its_low, its_high in second:
            if members != same:
                raise Refuted(f"{totals} are not of the same rollouts")
            coefficient = rest * a * b
            if members == OTHERS and coefficient.has(z_j, S_j):
                raise Refuted("rollout j is one of the others")
            term = sp.binomial(SIZES[members], r) * v**r * _of_rollouts(coefficient)
            result += sp.Sum(term, (r, max(low, its_low), high + min(sp.expand(its_high - high), sp.S.Zero)))
    return result


def _by_size(total: sp.Sum, r: sp.Symbol, domain: Domain) -> list[tuple[sp.Expr, ...]]:
    """The coefficient of e_r, the members and the range of r, for each e_{h+c} in a sum."""
    term, (h, low, high) = single(total, sp.Sum, domain)
    coefficients: dict[sp.Expr, sp.Expr] = {}
    for piece in sp.Add.make_args(expand(term)):
        node = next((factor for factor in sp.Mul.make_args(piece) if isinstance(factor, e)), None)
        if node is None or (piece / node).has(e):
            raise Refuted(f"{term} is no combination of sums over subsets")
        coefficients[node] = coefficients.get(node, sp.S.Zero) + piece / node
    parts = []
    for node, coefficient in coefficients.items():
        size, members = node.args
        shift = sp.expand(size - h)
        if not (shift.is_Integer and low.is_Integer) or members not in (OTHERS, REST):
            raise Refuted(f"{node} in {total} is not of {h} rollouts and some")
        parts.append((coefficient.subs(h, r - shift), members, max(low + shift, sp.S.Zero), high + shift))
    return parts


def _of_rollouts(f: sp.Expr) -> sp.Expr:
    """The mean over rollouts i and j."""
    result = sp.S.Zero
    for term in sp.Add.make_args(expand(f)):
        powers = dict.fromkeys((z_i, S_i, z_j, S_j), 0)
        for factor in sp.Mul.make_args(term):
            base, exponent = factor.as_base_exp()
            if base in powers:
                powers[base], term = exponent, term / factor
        if term.has(*powers, *OTHERWISE_RANDOM) or not all(pair in MOMENTS for pair in _pairs(powers)):
            raise Refuted(f"the mean of {f} is not known")
        result += term * sp.Mul(*(MOMENTS[pair] for pair in _pairs(powers)))
    return result


def _pairs(powers: dict[sp.Symbol, int]) -> list[tuple[int, int]]:
    return [(powers[z_i], powers[S_i]), (powers[z_j], powers[S_j])]
