"""Statistics of a group of i.i.d. rollouts: what can be said of them for every N and every law.

Rollout i has likelihood l_i in [0, 1] and score S_i; E S = 0 and E[l S] = grad p. Two facts carry nearly everything.

- A statistic that is affine in each likelihood (multi-affine) is determined by its values at 0/1 likelihoods; a
  symmetric one by its values at M = 0, 1, ... successes. (True of one variable; then one variable at a time.)
- Rollouts are independent: the mean of a product of functions of different rollouts is the product of their means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp
from sympy.core.relational import Relational

from .algebra import expand
from .claim import Refuted, Rule, eq
from .domain import Domain
from .identities import GROUP, Algebra, differentiated

N = sp.Symbol("N", integer=True)  # rollouts of a group
M = sp.Symbol("M", integer=True)  # successes among the others, at 0/1 likelihoods
OTHERS, REST = sp.symbols("others rest")  # all; all but i; all but i and j
SIZES = {GROUP: N, OTHERS: N - 1, REST: N - 2}

p, grad = sp.symbols("p g", real=True)  # E l, and grad p = E[l S] along a fixed direction of the parameters
l_i, l_j, S_i, S_j = sp.symbols("l_i l_j S_i S_j", real=True)
m_ll, m_llS, m_SS, m_lSS, m_llSS = sp.symbols("m_ll m_llS m_SS m_lSS m_llSS", real=True)
MOMENTS = {(0, 0): sp.S.One, (1, 0): p, (2, 0): m_ll, (0, 1): sp.S.Zero, (1, 1): grad, (2, 1): m_llS}
MOMENTS |= {(0, 2): m_SS, (1, 2): m_lSS, (2, 2): m_llSS}  # E[l^a S^b] at (a, b)


class E(sp.Function):
    """E_k: the mean over all k-subsets of the members of the product of q = 1 - l."""

    nargs = 2
    always_nonnegative = at_most_one = True

    @classmethod
    def eval(cls, k: sp.Expr, members: sp.Symbol) -> sp.Expr | None:
        return sp.S.One if k == 0 else None

    def _latex(self, printer: sp.printing.latex.LatexPrinter, exp: str | None = None) -> str:
        of = {GROUP: "q", OTHERS: "q_{-i}", REST: "q_{-i,j}"}[self.args[1]]
        power = f"^{{{exp}}}" if exp else ""
        return rf"E_{{{printer._print(self.args[0])}}}{power}\left({of}\right)"


class Survival(sp.Function):
    """The product of 1 - t l_j over the members."""

    nargs = 2

    def _latex(self, printer: sp.printing.latex.LatexPrinter, exp: str | None = None) -> str:
        over = {GROUP: "j", OTHERS: r"j \neq i", REST: r"k \neq i, j"}[self.args[1]]
        t = printer.parenthesize(self.args[0], 50)
        product = rf"\prod_{{{over}}} \left(1 - {t} l_{{{over[0]}}}\right)"
        return rf"\left({product}\right)^{{{exp}}}" if exp else product


class Flips(sp.Function):
    """The mean of f(b_i, M) over independent flips b_j ~ Bernoulli(l_j), M those of the others that succeed.

    f is written with l_i in the place of b_i. At 0/1 likelihoods nothing is random and it is f itself.
    """

    nargs = 1

    def _latex(self, printer: sp.printing.latex.LatexPrinter, exp: str | None = None) -> str:
        mean = rf"\mathbb{{E}}_b\left[{printer._print(self.args[0].subs(l_i, sp.Symbol('b_i')))}\right]"
        return f"{mean}^{{{exp}}}" if exp else mean


class Mean(sp.Function):
    """The mean over rollouts of a statistic written with E, Survival, l_i, S_i, l_j and S_j."""

    nargs = 1

    def _latex(self, printer: sp.printing.latex.LatexPrinter, exp: str | None = None) -> str:
        mean = rf"\mathbb{{E}}\left[{printer._print(self.args[0])}\right]"
        return f"{mean}^{{{exp}}}" if exp else mean


STATISTICS = (E, Survival, Flips)


def by_rollout_i(expression: sp.Expr) -> sp.Expr:
    """Statistics of the group, written with l_i and statistics of the others.

    A k-subset of N contains i with chance k/N: E_k(q) = (1 - k/N) E_k(q_{-i}) + (k/N) q_i E_{k-1}(q_{-i}).
    """

    def split(node: sp.Expr) -> sp.Expr:
        if isinstance(node, Survival):
            return (1 - node.args[0] * l_i) * Survival(node.args[0], OTHERS)
        k = node.args[0]
        return (1 - k / N) * E(k, OTHERS) + k / N * (1 - l_i) * E(k - 1, OTHERS)

    return expression.replace(lambda node: isinstance(node, E | Survival) and node.args[1] == GROUP, split)


def require_defined(relation: sp.Basic, domain: Domain) -> None:
    """Raise Refuted unless every E_k has k between 0 and the number of the members."""
    if isinstance(relation, E):
        k, members = relation.args
        if not domain.nonnegative(k) or not domain.nonnegative(SIZES[members] - k):
            raise Refuted(f"there may be no {k}-subset of the {members}")
    elif isinstance(relation, sp.Sum | sp.Integral):
        for variable, low, high in relation.limits:  # the domain may know of another symbol of the same name
            bound = sp.Dummy(variable.name, integer=variable.is_integer, real=True)
            domain = domain.given(sp.Ge(bound, low), sp.Le(bound, high))
            relation = relation.func(relation.function.subs(variable, bound), *relation.limits)
        require_defined(relation.function, domain)
    else:
        for part in relation.args:
            require_defined(part, domain)


@dataclass(frozen=True)
class SplitOff(Rule):
    """With rollout i split off the group's statistics, both sides agree as polynomials of l_i and the others' E_k."""

    def check(self, relation: Relational, domain: Domain) -> None:
        """Split and compare."""
        require_defined(relation, domain)
        split = eq(*(differentiated(by_rollout_i(side)) for side in relation.args))
        Algebra().check(split, domain.given(sp.Ge(l_i, 0), sp.Le(l_i, 1)))


@dataclass(frozen=True)
class Vertices(Rule):
    """Both sides are multi-affine, and agree at 0/1 likelihoods by the rule for l_i = 0 and that for l_i = 1."""

    failure: Rule
    success: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Check that both sides are multi-affine, then both cases."""
        if not isinstance(relation, sp.Eq):
            raise Refuted(f"{relation} is no equation")
        require_defined(relation, domain)
        relation = eq(*map(by_rollout_i, relation.args))
        for side in relation.args:
            require_multi_affine(side)
            if any(M in node.free_symbols for node in side.replace(Flips, lambda _: sp.S.One).args) or side.has(REST):
                raise Refuted(f"{side} is no statistic of rollout i and all others")
        domain = domain.given(sp.Ge(M, 0), sp.Le(M, N - 1))
        for l, rule in ((0, self.failure), (1, self.success)):
            left, right = (at_vertex(side.subs(l_i, l)) for side in relation.args)
            try:
                rule.check(eq(left, right), domain)
            except Refuted as reason:
                raise Refuted(f"at l_i = {l}: {reason}") from reason


def require_multi_affine(expression: sp.Expr) -> None:
    """Raise Refuted unless the expression is affine in l_i, and in each likelihood of the others."""
    for term in sp.Add.make_args(expand(expression)):
        factors = sp.Mul.make_args(term)
        of_l = [factor for factor in factors if not isinstance(factor, STATISTICS) and factor.has(l_i, *STATISTICS)]
        inner = [factor for factor in of_l if isinstance(factor, sp.Sum | sp.Integral)]
        others = [factor for factor in factors if isinstance(factor, STATISTICS)]
        if len(of_l) - len(inner) > 1 or any(factor != l_i for factor in of_l if factor not in inner):
            raise Refuted(f"{term} is not affine in l_i")
        if len(others) + len(inner) > 1:
            raise Refuted(f"{term} is a product of statistics of the same rollouts")
        if others and isinstance(others[0], Flips) and l_i in of_l:
            raise Refuted(f"{term} is not affine in l_i")
        for total in inner:
            rest = sp.Mul(*(factor for factor in factors if factor is not total))
            require_multi_affine(rest * total.function)


def at_vertex(expression: sp.Expr) -> sp.Expr:
    """Statistics of N - 1 others of whom M succeed: E_k is the share of k-subsets without a success."""

    def value(node: sp.Expr) -> sp.Expr:
        match node:
            case Flips(args=(f,)):
                return f
            case Survival(args=(t, _)):
                return (1 - t) ** M
            case E(args=(k, _)):
                return sp.binomial(N - 1 - M, k) / sp.binomial(N - 1, k)

    return expression.replace(lambda node: isinstance(node, STATISTICS), value)


@dataclass(frozen=True)
class Independence(Rule):
    """Means are taken rollout by rollout; then the rule is applied to what they are in terms of moments."""

    then: Rule

    def check(self, relation: Relational, domain: Domain) -> None:
        """Replace every Mean by moments, and apply the rule."""
        require_defined(relation, domain)
        taken = relation.func(*(differentiated(_without_means(side)) for side in relation.args), evaluate=False)
        self.then.check(taken, domain)


def _without_means(expression: sp.Expr) -> sp.Expr:
    return expression.replace(
        lambda node: isinstance(node, Mean), lambda node: mean_by_terms(by_rollout_i(node.args[0]), mean_of_product)
    )


def mean_by_terms(expression: sp.Expr, of_product: Callable[[tuple[sp.Expr, ...]], sp.Expr]) -> sp.Expr:
    """The mean of a statistic, by linearity: sums and integrals stay, and a product of factors has the mean given."""
    result = sp.S.Zero
    for term in sp.Add.make_args(expand(expression)):
        factors = sp.Mul.make_args(term)
        totals = [factor for factor in factors if isinstance(factor, sp.Sum | sp.Integral)]
        if totals:
            rest = sp.Mul(*(factor for factor in factors if factor is not totals[0]))
            result += totals[0].func(mean_by_terms(rest * totals[0].function, of_product), *totals[0].limits)
        else:
            result += of_product(factors)
    return result


def mean_of_product(factors: tuple[sp.Expr, ...]) -> sp.Expr:
    """The mean of a product, by independence of the rollouts."""
    powers = dict.fromkeys((l_i, S_i, l_j, S_j), 0)
    shared: dict[sp.Symbol, list[sp.Expr]] = {}
    constant = sp.S.One
    for factor in factors:
        base, exponent = factor.as_base_exp()
        if base in powers and exponent.is_Integer:
            powers[base] += int(exponent)
        elif isinstance(base, E | Survival) and exponent.is_Integer and exponent > 0:
            shared.setdefault(base.args[1], []).extend([base] * int(exponent))
        elif factor.has(*STATISTICS, M, GROUP, OTHERS, REST, *powers):
            raise Refuted(f"the mean of {factor} is not known")
        else:
            constant *= factor
    if OTHERS in shared and (REST in shared or powers[l_j] or powers[S_j]):
        raise Refuted("rollout j is one of the others")
    for l, S in ((l_i, S_i), (l_j, S_j)):
        if (powers[l], powers[S]) not in MOMENTS:
            raise Refuted(f"no name for the mean of {l ** powers[l] * S ** powers[S]}")
        constant *= MOMENTS[powers[l], powers[S]]
    return constant * sp.Mul(*(_mean_of_others(nodes) for nodes in shared.values()))


def _mean_of_others(nodes: list[sp.Expr]) -> sp.Expr:
    if all(isinstance(node, Survival) for node in nodes):
        each = sp.Poly(sp.Mul(*(1 - node.args[0] * l_i for node in nodes)), l_i)
        if each.degree() > 2:
            raise Refuted("no name for the third moment of l")
        mean = sp.Add(*(c * MOMENTS[power, 0] for (power,), c in each.terms()))
        return mean ** SIZES[nodes[0].args[1]]
    if len(nodes) == 1:
        return (1 - p) ** nodes[0].args[0]
    raise Refuted(f"the mean of the product of {nodes} is not known")
