"""Whether an expression vanishes identically, decided by polynomial arithmetic alone.

Binomials, factorials and Gamma functions whose arguments differ by integers are written as polynomials times one of
them; powers with symbolic exponents, exponentials, harmonic numbers and roots likewise. What is left is a rational
function of independent atoms, and it vanishes if its expanded numerator does. No heuristic simplifier is asked.

Poles cannot hide. 1/Gamma has none: 1/Gamma(x) = x / Gamma(x+1) holds everywhere, and a binomial that reaches beyond
its row is zero by it. A Gamma function in a numerator must be proved finite on the domain, and every denominator
nonzero.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections import Counter, defaultdict
from collections.abc import Iterator

import sympy as sp
from sympy.polys.rings import PolyElement, PolyRing

from .domain import Domain, Refuted

_OF_GAMMA = (sp.binomial, sp.factorial, sp.gamma)  # their poles and zeros are looked for where they are rewritten


class _Gamma(sp.Function):
    """Gamma at an argument that was proved to be positive."""


class _Reciprocal(sp.Function):
    """1 / Gamma, an entire function."""

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        if x.is_Integer:
            return sp.S.Zero if x <= 0 else 1 / sp.gamma(x)
        return None


def equal(left: sp.Expr, right: sp.Expr, domain: Domain) -> bool:
    """Whether two expressions agree wherever the constraints hold."""
    return vanishes(sp.sympify(left) - right, domain)


def vanishes(expression: sp.Expr, domain: Domain) -> bool:
    """Whether an expression is zero wherever the constraints hold; True is a proof.

    Sums (and integrals) over the same range are compared term by term.
    """
    expression = sp.sympify(expression)
    if not expression.has(sp.Sum, sp.Integral):
        return _rational_vanishes(expression, domain)
    plain, ranges, taken = sp.S.Zero, defaultdict(list), expression.free_symbols
    for term in sp.Add.make_args(expand(expression)):
        factors = sp.Mul.make_args(term)
        totals = [factor for factor in factors if isinstance(factor, sp.Sum | sp.Integral)]
        if len(totals) == 1:
            rest = sp.Mul(*(factor for factor in factors if factor is not totals[0]))
            key, last, inner = _range(totals[0], taken)
            ranges[key].append((last, rest * inner))
        else:
            plain += term
    for (kind, bound, first, *_), members in ranges.items():
        last = min((last for last, _ in members), key=lambda last: sp.expand(last - members[0][0]))
        total = sp.Add(*(inner for _, inner in members))
        if kind is sp.Sum:
            if not domain.nonnegative(last - first + 1):
                raise Refuted(f"the sum from {first} to {last} may run backwards")
            for end, inner in members:  # a sum that goes further: its last terms, one by one
                plain += sum((inner.subs(bound, last + 1 + i) for i in range(sp.expand(end - last))), sp.S.Zero)
        if not vanishes(total, domain.given(sp.Ge(bound, first), sp.Le(bound, last))):
            return False
    return _rational_vanishes(plain, domain)


def _range(total: sp.Sum | sp.Integral, taken: set[sp.Symbol]) -> tuple[tuple[sp.Basic, ...], sp.Expr, sp.Expr]:
    """What two totals share that can be compared term by term; the last index; the term.

    Sums begin at zero, and may end at different distances. The index gets a name that is not taken.
    """
    variable, low, high = total.limits[-1]
    integer = isinstance(total, sp.Sum)
    names = (f"{'j' if integer else 't'}{'_' * i}" for i in itertools.count(1))
    bound = next(b for b in (sp.Symbol(name, integer=integer or None, real=True) for name in names) if b not in taken)
    inner = total.func(total.function, *total.limits[:-1]) if len(total.limits) > 1 else total.function
    if isinstance(total, sp.Integral):
        return (sp.Integral, bound, expand(low), expand(high)), expand(high), inner.subs(variable, bound)
    last = sp.expand(high - low)
    return (sp.Sum, bound, sp.S.Zero, last - last.as_coeff_Add()[0]), last, inner.subs(variable, bound + low)


def expand(expression: sp.Expr) -> sp.Expr:
    """Multiply out products, but leave powers and logarithms whole."""
    return sp.Add(*map(_multiplied_out, sp.Add.make_args(expression)))


@functools.lru_cache(maxsize=1 << 14)  # statements that are tried one after another share most of their terms
def _multiplied_out(term: sp.Expr) -> sp.Expr:
    return sp.expand(term, power_base=False, power_exp=False, log=False)


def _rational_vanishes(expression: sp.Expr, domain: Domain) -> bool:
    _require_denominators(expression, domain)  # before anything can cancel
    expression, ones = _in_one_gamma(_in_gamma(expression, domain), domain)
    expression, relations = _in_one_power(_in_one_harmonic(expression, domain), domain)
    numerator = _numerator(expression)
    for atom, relation in relations.items():
        numerator = sp.rem(numerator, relation, atom) if numerator.has(atom) else numerator
    for atom, x in ones.items():
        without = expand(numerator).subs(atom, 0)
        symbol = min(x.free_symbols, key=str)
        numerator = without + (numerator - without).subs(symbol, _root(x - 1, symbol))
    return bool(expand(numerator) == 0)


def _numerator(expression: sp.Expr) -> sp.Expr:
    """The numerator over a common denominator, multiplied out: a polynomial of all that is no sum, product or power."""
    atoms: dict[sp.Expr, sp.Expr] = {}

    def expanded_atoms(node: sp.Expr) -> None:
        if node.is_Rational or node in atoms:
            return
        if node.is_Add or node.is_Mul or (node.is_Pow and node.exp.is_Integer):
            for child in node.args:
                expanded_atoms(child)
            return
        atoms[node] = expand(node)
        if atoms[node] != node:
            expanded_atoms(atoms[node])

    expanded_atoms(expression)
    ring = PolyRing([atom for atom, whole in atoms.items() if atom == whole], sp.QQ)
    table = dict(zip(ring.symbols, ring.gens, strict=True))

    def product(factors: Counter[PolyElement]) -> PolyElement:
        return math.prod((factor**times for factor, times in factors.items()), start=ring.one)

    def walk(node: sp.Expr) -> tuple[PolyElement, Counter[PolyElement]]:
        """A numerator, and the exponents of the factors of its denominator."""
        if node in table:
            return table[node], Counter()
        if node.is_Rational:
            return ring(sp.QQ(node.p, node.q)), Counter()
        if node.is_Add:
            parts = [walk(term) for term in node.args]
            common = functools.reduce(operator.or_, (below for _, below in parts))
            return sum((above * product(common - below) for above, below in parts), ring.zero), common
        if node.is_Mul:
            parts = [walk(factor) for factor in node.args]
            return product(Counter(above for above, _ in parts)), sum((below for _, below in parts), Counter())
        if not node.is_Pow:
            return walk(atoms[node])
        (above, below), n = walk(node.base), int(node.exp)
        if n < 0:
            if not above:
                raise Refuted(f"the denominator {node.base} is zero")
            unit, n = above.LC, -n
            above, below = product(below).quo_ground(unit), Counter({above.quo_ground(unit): 1})
        return above**n, Counter({factor: n * times for factor, times in below.items()})

    return walk(expression)[0].as_expr()


def _root(form: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    """Where a form that is linear in the symbol is zero."""
    slope = sp.diff(form, symbol)
    if not slope.is_Rational:
        raise Refuted(f"{form} is not linear in {symbol}")
    return sp.expand(symbol - form / slope)


def _require_denominators(expression: sp.Expr, domain: Domain) -> None:
    for power in expression.atoms(sp.Pow):
        if power.exp.is_Integer and power.exp < 0 and not domain.nonzero(power.base):
            for factor, _ in sp.factor_list(sp.fraction(sp.together(power.base))[0])[1]:
                if not isinstance(factor, _OF_GAMMA) and not domain.nonzero(factor):
                    raise Refuted(f"the denominator {factor} may be zero")


def _in_gamma(expression: sp.Expr, domain: Domain) -> sp.Expr:
    """Write binomials and factorials by Gamma and its reciprocal."""

    def finite(x: sp.Expr) -> sp.Expr:
        if not domain.positive(x):
            raise Refuted(f"Gamma({x}) may be infinite")
        return sp.gamma(x) if x.is_Integer else _Gamma(sp.expand(x))

    def walk(node: sp.Expr, sign: int) -> sp.Expr:
        """The node to the power 1 or -1."""
        if not node.has(*_OF_GAMMA):
            return node if sign > 0 else 1 / node

        def up(x: sp.Expr) -> sp.Expr:
            return finite(x) if sign > 0 else _Reciprocal(sp.expand(x))

        def down(x: sp.Expr) -> sp.Expr:
            return finite(x) if sign < 0 else _Reciprocal(sp.expand(x))

        if isinstance(node, sp.Pow) and node.exp.is_Integer:
            return walk(node.base, sign if node.exp > 0 else -sign) ** abs(node.exp)
        if isinstance(node, sp.Mul):
            return sp.Mul(*(walk(factor, sign) for factor in node.args))
        if isinstance(node, sp.binomial):
            n, k = node.args
            return up(n + 1) * down(k + 1) * down(n - k + 1)
        if isinstance(node, sp.factorial):
            return up(node.args[0] + 1)
        if isinstance(node, sp.gamma):
            return up(node.args[0])
        if sign < 0 and node.is_Add and (product := sp.factor_terms(node)).is_Mul:  # `expand` multiplied it out
            return walk(product, sign)
        if node.args and not isinstance(node, sp.Sum | sp.Integral):
            node = node.func(*(walk(child, 1) for child in node.args))
        return node if sign > 0 else 1 / node

    return walk(expression, 1)


def _parts(expression: sp.Expr, *kinds: type[sp.Expr]) -> list[sp.Expr]:
    """Its parts of some kinds, each once, in the order in which they stand."""
    return list(dict.fromkeys(node for node in sp.preorder_traversal(expression) if isinstance(node, kinds)))


def _classes(nodes: list[sp.Expr]) -> Iterator[list[sp.Expr]]:
    """Functions whose arguments differ by integers."""
    classes: dict[tuple[sp.Expr, ...], list[sp.Expr]] = defaultdict(list)
    for node in nodes:
        constant, rest = sp.expand(node.args[0]).as_coeff_Add()
        classes[rest, constant % 1].append(node)
    yield from classes.values()


def _in_one_gamma(expression: sp.Expr, domain: Domain) -> tuple[sp.Expr, dict[sp.Symbol, sp.Expr]]:
    """Write each class by its smallest Gamma if there is one, else by its 1/Gamma of largest argument.

    Also which of the names stand for a 1/Gamma(x) with x = 1, 0, -1, ... on the domain: it is zero but at x = 1,
    so whatever it multiplies matters only there.
    """
    table, ones = {}, {}
    for members in _classes(_parts(expression, _Gamma, _Reciprocal)):
        finite = [node.args[0] for node in members if isinstance(node, _Gamma)]
        atom = sp.Dummy("gamma", positive=True) if finite else sp.Dummy("reciprocal")
        offsets = [sp.expand(x - members[0].args[0]) for x in finite or [node.args[0] for node in members]]
        base = members[0].args[0] + (min(offsets) if finite else max(offsets))
        if not finite and base.is_integer and domain.nonnegative(-base):
            atom = sp.S.Zero
        elif not finite and base.is_integer and domain.nonnegative(1 - base):
            ones[atom] = base
        for node in members:
            offset = int(sp.expand(node.args[0] - base))
            steps = sp.Mul(*(base + i for i in range(min(offset, 0), max(offset, 0))))
            gamma = atom * steps if offset >= 0 else atom / steps
            if isinstance(node, _Gamma):
                table[node] = gamma
            else:  # 1/Gamma(x - 2) = (x - 2) (x - 1) / Gamma(x)
                table[node] = 1 / gamma if finite else atom * steps
    return expression.xreplace(table), ones


def _in_one_harmonic(expression: sp.Expr, domain: Domain) -> sp.Expr:
    """Write the harmonic numbers of a class by the first of them."""
    table = {}
    for members in _classes(_parts(expression, sp.harmonic)):
        base = members[0].args[0] + min(sp.expand(node.args[0] - members[0].args[0]) for node in members)
        if not domain.nonnegative(base):
            raise Refuted(f"harmonic({base}) may be infinite")
        for node in members:
            offset = int(sp.expand(node.args[0] - base))
            table[node] = sp.harmonic(base) + sum((1 / (base + i) for i in range(1, offset + 1)), sp.S.Zero)
    return expression.xreplace(table)


def _in_one_power(expression: sp.Expr, domain: Domain) -> tuple[sp.Expr, dict[sp.Symbol, sp.Expr]]:
    """Name roots, exponentials and powers with symbolic exponents; the relations that the names satisfy."""
    relations, names = {}, {}

    def name(base: sp.Expr, exponent: sp.Expr) -> sp.Symbol:
        if (base, exponent) not in names:
            atom = sp.Dummy("power", positive=domain.positive(base) or None)
            names[base, exponent] = atom
            if base is sp.S.NegativeOne:
                relations[atom] = atom**2 - 1
            elif exponent.is_Rational:
                relations[atom] = atom**exponent.q - base
        return names[base, exponent]

    def split(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
        """For a base that is not zero: its power of a sum is the product of its powers."""
        result = sp.S.One
        for term in sp.Add.make_args(expand(exponent)):
            coefficient, monomial = term.as_coeff_Mul()
            if monomial is sp.S.One and base is not sp.E:
                result *= base**coefficient if term.is_Integer else name(base, sp.Rational(1, term.q)) ** term.p
            else:
                parts = shared[base, monomial]
                times = coefficient * parts
                result *= name(base, monomial / parts) ** (abs(times) if base is sp.S.NegativeOne else times)
        return result

    nodes = _parts(expression, sp.Pow, sp.exp)
    shared: dict[tuple[sp.Expr, sp.Expr], int] = defaultdict(lambda: 1)  # exp(x/2) and exp(x) are powers of the first
    for base, exponent in (node.as_base_exp() for node in nodes):
        for coefficient, monomial in (term.as_coeff_Mul() for term in sp.Add.make_args(expand(exponent))):
            shared[base, monomial] = math.lcm(shared[base, monomial], coefficient.q)
    table, classes = {}, defaultdict(list)
    for node in nodes:
        base, exponent = node.as_base_exp()
        if not exponent.is_integer and not domain.nonnegative(base):
            raise Refuted(f"{node} may be no real number")
        if base == 0 and domain.positive(exponent):
            table[node] = sp.S.Zero
        elif not exponent.is_Integer and domain.nonzero(base):
            table[node] = split(base, exponent)
        elif not exponent.is_Integer:
            constant, rest = sp.expand(exponent).as_coeff_Add()
            classes[base, rest, constant % 1].append((constant, node))
    for (base, rest, _), members in classes.items():
        least = min(constant for constant, _ in members)
        if not domain.nonnegative(rest + least):
            raise Refuted(f"{base} to the power {rest + least} may be infinite")
        table |= {node: name(base, rest + least) * base ** int(constant - least) for constant, node in members}
    return expression.xreplace(table), relations
