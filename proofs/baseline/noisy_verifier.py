"""A verifier that errs by chance makes every 0/1 rule ascend its objective at the rate at which the verifier says yes.

It calls a failure right with chance f, and a success wrong with chance h, whatever else the response is: it says yes
to rollout i with chance f + kappa l_i, kappa = 1 - f - h. (f and h are the false positive and the false negative
rate.) Rollouts are independent: of the others a Binomial(N-1, P) number m gets a yes, with P the mean of that chance,
and then rollout i gets a_{m+1} with a yes and b_m without. So the mean over m of a_{m+1} - b_m is W(P), W the
effective weight of the rule (`effective-weight`), and kappa grad p is the gradient of P. With the score less any c,
of which c = 0 is meant, the first step has the mean advantage too.
"""

import sympy as sp

from ..checking import Algebra, Claim, Domain, Independence, Step, eq
from ..checking.statistics import Mean, S_i, grad, l_i, p

a, b, c, f, h = sp.symbols("a b c f h", real=True)  # a_{m+1} and b_m; any number; what the verifier gets wrong

kappa = 1 - f - h
says_yes = f + kappa * l_i
P = f + kappa * p

mean = Mean((a * says_yes + b * (1 - says_yes)) * (S_i - c))
advantage = a * P + b * (1 - P)

CLAIM = Claim(
    id="noisy-verifier",
    says="If the verifier errs with chance f on failures and h on successes, E[g] = (1 - f - h) W(P) grad p with "
    "P = f + (1 - f - h) p: the gradient of W's objective at P",
    domain=Domain(sp.Ge(f, 0), sp.Ge(h, 0), sp.Le(f + h, 1)),
    steps=(
        Step("given the others", eq(mean, kappa * (a - b) * grad - c * advantage), Independence(Algebra())),
        Step("how often it says yes", eq(Mean(says_yes), P), Independence(Algebra())),
    ),
    sibling=eq(mean, (a - b) * grad - c * advantage),
)
