"""What is known of the symbols, and which signs follow from it.

A domain is a list of linear inequalities. Linear consequences are decided exactly, by Fourier-Motzkin elimination
over the rationals; products, powers and sums of expressions of known sign follow by the rules of arithmetic. An
answer True is a proof, False means only that none was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from functools import cached_property
from itertools import product

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

Form = dict[sp.Basic, Fraction]  # a linear form: coefficients of atoms, the constant at S.One


class Refuted(Exception):
    """A relation is not accepted; says why."""


class Domain:
    """Linear inequalities between integers (symbols declared so) and reals."""

    def __init__(self, *constraints: Relational) -> None:
        if sp.false in constraints:
            raise Refuted("the domain is empty")
        self.constraints = tuple(constraint for constraint in constraints if constraint != sp.true)
        self._signs: dict[tuple[sp.Expr, bool], bool] = {}  # what was asked before; neither can change
        self._parts: dict[tuple[Relational, ...], Domain] = {}  # which remember what was asked of them

    def given(self, *more: Relational) -> Domain:
        """This domain, with more known."""
        if more not in self._parts:
            self._parts[more] = Domain(*self.constraints, *more)
        return self._parts[more]

    def at(self, symbol: sp.Symbol, value: sp.Expr) -> Domain:
        """The part of this domain where a symbol has the value."""
        return Domain(*(constraint.subs(symbol, value) for constraint in self.constraints))

    def reaches(self, symbol: sp.Symbol, value: sp.Expr) -> bool:
        """Whether, of every point of the domain, the one where the symbol has this value instead belongs to it too.

        Then so does the way between the two, for the constraints are linear.
        """
        for constraint in self.constraints:
            form = constraint.gts - constraint.lts
            strict = isinstance(constraint, sp.StrictGreaterThan | sp.StrictLessThan)
            there = form.subs(symbol, value)
            if sp.diff(form, symbol, 2) != 0 or not (self.positive(there) if strict else self.nonnegative(there)):
                return False
        return True

    def __str__(self) -> str:
        return ", ".join(map(str, self.constraints))

    def nonnegative(self, value: sp.Expr) -> bool:
        """Whether the value is >= 0 wherever the constraints hold."""
        return self._signed(sp.sympify(value), strict=False)

    def positive(self, value: sp.Expr) -> bool:
        """Whether the value is > 0 wherever the constraints hold."""
        return self._signed(sp.sympify(value), strict=True)

    def nonzero(self, value: sp.Expr) -> bool:
        """Whether the value has one strict sign wherever the constraints hold."""
        return self.positive(value) or self.positive(-value)

    def _signed(self, value: sp.Expr, *, strict: bool) -> bool:
        if (value, strict) not in self._signs:
            found = self._by_structure(value, strict=strict) or self._by_elimination(value, strict=strict)
            self._signs[value, strict] = found
        return self._signs[value, strict]

    def _by_structure(self, value: sp.Expr, *, strict: bool) -> bool:
        if value.is_number:
            return bool(value > 0 if strict else value >= 0)
        if isinstance(value, sp.Symbol | AppliedUndef):
            return bool(value.is_positive)
        if isinstance(value, sp.Mul):
            coefficient, factors = value.as_coeff_mul()
            negative = coefficient < 0
            for factor in factors:
                if self._signed(factor, strict=strict):
                    continue
                if not self._by_elimination(-factor, strict=strict):
                    return False
                negative = not negative
            return not negative
        if isinstance(value, sp.Add):
            return all(self.nonnegative(term) for term in value.args) and (
                not strict or any(self.positive(term) for term in value.args)
            )
        if isinstance(value, sp.exp):
            return True
        if isinstance(value, sp.Pow):
            base, exponent = value.as_base_exp()
            if exponent.is_even and not strict and exponent.is_nonnegative:
                return True
            if exponent.is_even and self.nonzero(base):
                return True
            if strict or not self.nonnegative(exponent):
                return self.positive(base)
            return self.nonnegative(base)
        if isinstance(value, sp.factorial | sp.gamma):
            shift = 1 if isinstance(value, sp.factorial) else 0
            return self.positive(value.args[0] + shift)
        if isinstance(value, sp.binomial):
            top, bottom = value.args
            if not bottom.is_integer:
                return False
            if top.is_integer and self.nonnegative(top):
                return not strict or (self.nonnegative(bottom) and self.nonnegative(top - bottom))
            return self.nonnegative(bottom) and self._signed(top - bottom + 1, strict=strict)  # of all its factors
        if isinstance(value, sp.harmonic):
            return self.positive(value.args[0]) if strict else self.nonnegative(value.args[0])
        if isinstance(value, sp.Sum | sp.Integral) and not strict:
            variable, low, high = value.limits[0]
            forward = self.nonnegative(high - low + (1 if isinstance(value, sp.Sum) else 0))
            inside = self.given(sp.Ge(variable, low), sp.Le(variable, high))
            return forward and len(value.limits) == 1 and inside.nonnegative(value.function)
        return getattr(value, "always_nonnegative", False) and not strict

    def _by_elimination(self, value: sp.Expr, *, strict: bool) -> bool:
        """Refute the opposite sign together with the constraints and what is known of the atoms."""
        claim = _form(value)
        facts = [*self._forms, *self._facts_of_atoms(claim)]
        negated = {atom: -coefficient for atom, coefficient in claim.items()}
        if _integral(claim):  # not (v >= 0) is v <= -1 and not (v >= 1) is v <= 0
            if not strict:
                negated[sp.S.One] = negated.get(sp.S.One, Fraction(0)) - 1
            return _infeasible([*facts, (negated, False)])
        return _infeasible([*facts, (negated, not strict)])

    @cached_property
    def _forms(self) -> list[tuple[Form, bool]]:
        forms = []
        for constraint in self.constraints:
            strict = isinstance(constraint, sp.StrictGreaterThan | sp.StrictLessThan)
            form = _form(constraint.gts - constraint.lts)
            if strict and _integral(form):
                form[sp.S.One] = form.get(sp.S.One, Fraction(0)) - 1
                strict = False
            forms.append((form, strict))
        return forms

    def _facts_of_atoms(self, form: Form) -> Iterable[tuple[Form, bool]]:
        """Sign, and whether at most 1, of the atoms that are no symbols."""
        for atom in form:
            if atom is sp.S.One or atom.is_Symbol:
                continue
            if self._by_structure(atom, strict=True):
                yield {atom: Fraction(1)}, True
            elif self._by_structure(atom, strict=False):
                yield {atom: Fraction(1)}, False
            if self._at_most_one(atom):
                yield {atom: Fraction(-1), sp.S.One: Fraction(1)}, False

    def _at_most_one(self, atom: sp.Basic) -> bool:
        if isinstance(atom, sp.exp):
            return self.nonnegative(-atom.args[0])
        if isinstance(atom, sp.Pow):
            base, exponent = atom.as_base_exp()
            return self.nonnegative(base) and self.nonnegative(1 - base) and self.nonnegative(exponent)
        if isinstance(atom, sp.Mul):
            return all(
                self.nonnegative(f) and (self.nonnegative(1 - f) if f.is_Symbol else self._at_most_one(f))
                for f in atom.args
            )
        return getattr(atom, "at_most_one", False)


def _form(value: sp.Expr) -> Form:
    form: Form = {}
    for term in sp.Add.make_args(sp.expand(value, power_base=False, power_exp=False, log=False)):
        coefficient, atom = term.as_coeff_Mul()
        if not coefficient.is_Rational:
            coefficient, atom = sp.S.One, term
        form[atom] = form.get(atom, Fraction(0)) + Fraction(coefficient.p, coefficient.q)
    return {atom: coefficient for atom, coefficient in form.items() if coefficient}


def _integral(form: Form) -> bool:
    return all(atom.is_integer and coefficient.denominator == 1 for atom, coefficient in form.items())


def _infeasible(system: list[tuple[Form, bool]]) -> bool:
    """Whether no point satisfies all of form >= 0 (or > 0 where strict): Fourier-Motzkin elimination."""
    while True:
        constants = [(form.get(sp.S.One, Fraction(0)), strict) for form, strict in system if not set(form) - {sp.S.One}]
        if any(value < 0 or (strict and value == 0) for value, strict in constants):
            return True
        system = [(form, strict) for form, strict in system if set(form) - {sp.S.One}]
        if not system:
            return False
        up: Counter[sp.Basic] = Counter(atom for form, _ in system for atom, c in form.items() if c > 0)
        down: Counter[sp.Basic] = Counter(atom for form, _ in system for atom, c in form.items() if c < 0)
        atom = min((atom for atom in {**up, **down} if atom is not sp.S.One), key=lambda a: up[a] * down[a])
        lower = [(form, strict) for form, strict in system if form.get(atom, 0) > 0]
        upper = [(form, strict) for form, strict in system if form.get(atom, 0) < 0]
        system = [(form, strict) for form, strict in system if not form.get(atom, 0)]
        for (low, low_strict), (high, high_strict) in product(lower, upper):
            combined: Form = {}
            for form, scale in ((low, -high[atom]), (high, low[atom])):
                for key, coefficient in form.items():
                    combined[key] = combined.get(key, Fraction(0)) + scale * coefficient
            system.append(({key: c for key, c in combined.items() if c}, low_strict or high_strict))
