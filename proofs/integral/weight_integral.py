"""At full order the leave-one-out weight is one integral over the product of 1 - t l_j."""

import sympy as sp

from ..checking import Antiderivative, Claim, Domain, Step, Telescoping, Vertices, Via, eq
from ..checking.statistics import OTHERS, E, M, N, Survival

k = sp.Symbol("k", integer=True)
t = sp.Symbol("t", real=True)

weight = sp.Sum(E(k, OTHERS), (k, 0, N - 1))
integral = sp.Integral(Survival(t, OTHERS), (t, 0, 1))

# N others of which M succeed: the sum and N Int (1-t)^M dt are both N/(M+1); l_i itself appears on neither side.
at_vertices = Via(
    N / (M + 1), Telescoping(-(N - 1 - M - k) / (M + 1)), Antiderivative(-N * (1 - t) ** (M + 1) / (M + 1))
)

CLAIM = Claim(
    id="weight-integral",
    says="For T = N the weight is omega_i = N Int prod_{j != i} (1 - t l_j) dt over [0,1], for all likelihoods",
    domain=Domain(sp.Ge(N, 1)),
    steps=(Step("compare at 0/1 likelihoods", eq(weight, N * integral), Vertices(at_vertices, at_vertices)),),
    sibling=eq(weight, (N - 1) * integral),
)
