"""Each value more turns the normalised powers of the first i - 1 values into those of the first i, without overflow.

Start from E_0 = 1; E_i of i values is q_i E_{i-1} of the i - 1 before.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Manifest, Step, eq, le

i, k = sp.symbols("i k", integer=True)
q, u, v = sp.symbols("q_i u v", real=True)  # u and v: any two numbers that are at most one
e = sp.Function("e")  # sum over the k-subsets of the first i - 1 values of the products of q

stay, join = (i - k) / i, k / i
before, one_less = e(k) / sp.binomial(i - 1, k), e(k - 1) / sp.binomial(i - 1, k - 1)

CLAIM = Claim(
    id="forward-recursion",
    says="E_k of i values is ((i-k) E_k + k q_i E_{k-1}) / i with the E of the i - 1 before; nothing can overflow",
    domain=Domain(sp.Ge(k, 1), sp.Le(k, i - 1)),
    steps=(
        Step(
            "k-subsets without and with the new value",
            eq((e(k) + q * e(k - 1)) / sp.binomial(i, k), stay * before + join * q * one_less),
            Algebra(),
        ),
        Step(
            "a mean of numbers up to one",
            le(stay * u + join * q * v, 1),
            Manifest(((i - k) * (1 - u) + k * (1 - q * v)) / i),
            Domain(
                *(sp.Ge(k, 1), sp.Le(k, i - 1), sp.Ge(u, 0), sp.Le(u, 1), sp.Ge(v, 0), sp.Le(v, 1)),
                *(sp.Ge(q, 0), sp.Le(q, 1)),
            ),
        ),
    ),
    sibling=eq((e(k) + q * e(k - 1)) / sp.binomial(i, k), before + q * one_less),
)
