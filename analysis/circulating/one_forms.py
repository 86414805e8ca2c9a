"""Mean gradients E[g] and their Jacobians, exact for laws on a few rewards: what tells whether E[g] is a gradient.

With mu (V,) the chances of V levels of reward, E[g] = sum_x a_x grad mu_x, where a_x = E A(x; others) is a polynomial
of mu. So the Jacobian of E[g] by the parameters is

    sum_xz B_xz grad mu_x (grad mu_z)' + sum_x a_x (the Hessian of mu_x),  B_xz = d a_x / d mu_z = (N-1) E A(x; z, w),

with w the N - 2 others than z. The second sum is symmetric, so that E[g] is a gradient if the first is, everywhere.
"""

import itertools
import math

import numpy as np


class Advantages:
    """What an estimator gives in every group of n rewards on some levels.

    Parameters
    ----------
    estimator : a function of rewards (..., N)
    levels : (V,) rewards, ascending
    n : N, at least 2; there are C(N+V-1, N) groups
    """

    def __init__(self, estimator, levels, n):
        self.n, self.levels = n, np.asarray(levels)
        size = len(self.levels)
        groups, self.others = counts(n, size), counts(n - 2, size)
        found = estimator(np.array([np.repeat(self.levels, group) for group in groups]))
        first = np.minimum(np.cumsum(groups, axis=1) - groups, n - 1)  # a rollout of each level, any where it has none
        of_level = np.take_along_axis(np.asarray(found, dtype=np.float64), first, axis=1)
        known, unit = keys(groups, n), np.eye(size, dtype=int)
        self.pairs = np.empty((len(self.others), size, size))  # A(x; z, w)
        for x, z in np.ndindex(size, size):
            group = np.searchsorted(known, keys(self.others + unit[x] + unit[z], n))
            self.pairs[:, x, z] = of_level[group, x]
        self.orders = np.array([orders(group) for group in self.others])

    def slopes(self, mu):
        """B (V, V) at chances mu (V,); B mu is (N-1) a, because the chances sum to 1."""
        chances = self.orders * np.prod(mu**self.others, axis=1)
        return (self.n - 1) * np.tensordot(chances, self.pairs, 1)


def counts(size, levels):
    """All groups of a size, as how often each level occurs: (C, V), in the order of their keys."""
    bars = itertools.combinations(range(size + levels - 1), levels - 1)
    edges = np.array([(-1, *between, size + levels - 1) for between in bars])
    return np.diff(edges, axis=1) - 1


def keys(groups, most):
    """A number for each group (..., V) of at most so many."""
    return groups @ (most + 1) ** np.arange(groups.shape[-1])[::-1]


def orders(group):
    """In how many orders the rewards of a group can come."""
    left = np.cumsum(group[::-1])[::-1].tolist()
    return float(math.prod(map(math.comb, left, group.tolist())))


def update(law, advantages):
    """E[g] (d,) at a law of prompts."""
    total = 0
    for weight, prompt in law.prompts:
        _, mu, gradients = of_levels(prompt, advantages.levels)
        total = total + weight * (advantages.slopes(mu) @ mu) @ gradients
    return total / (advantages.n - 1)


def jacobian(law, advantages):
    """The Jacobian (d, d) of E[g] at a law of prompts, for a softmax policy whose logits are linear in its parameters.

    Chances pi of outcomes with scores S then have the Hessians pi (S S' - F), F being the mean of S S'.
    """
    total = 0
    for weight, prompt in law.prompts:
        level, mu, gradients = of_levels(prompt, advantages.levels)
        slopes, pi, scores = advantages.slopes(mu), prompt.probabilities, prompt.scores
        share = pi * (slopes @ mu / (advantages.n - 1))[level]
        curvature = (scores.T * (share - share.sum() * pi)) @ scores
        total = total + weight * (gradients.T @ slopes @ gradients + curvature)
    return total


def of_levels(prompt, levels):
    """The level (s,) of each outcome, chances mu (V,) of the levels, and their gradients (V, d)."""
    level = np.searchsorted(levels, prompt.likelihoods)
    chances = np.eye(len(levels))[level].T * prompt.probabilities
    return level, chances.sum(axis=1), chances @ prompt.scores


def antisymmetric_share(matrix):
    """|M - M'| / |2 M| in Frobenius norms: 0 for the Jacobian of a gradient, 1 for one that only turns."""
    return np.linalg.norm(matrix - matrix.T) / (2 * np.linalg.norm(matrix))


def beyond_gradients(forms, laws, degree):
    """The share of each update that the nearest gradient leaves over, root mean squares over laws (L, V).

    Gradients are by the logits of a law, and of polynomials of so high a degree: combinations of the chances that
    counts c come up among as many draws, the gradient of which is their chance times c - degree mu.
    """
    groups = counts(degree, laws.shape[1])
    chances = [orders(group) for group in groups] * np.prod(laws[:, None] ** groups, axis=2)
    gradients = chances[:, None] * (groups.T - degree * laws[:, :, None])
    updates = np.array([[by_logits(mu, form) for mu in laws] for form in forms]).reshape(len(forms), -1).T
    basis = gradients.reshape(-1, len(groups))
    left = updates - basis @ np.linalg.lstsq(basis, updates)[0]
    return np.linalg.norm(left, axis=0) / np.linalg.norm(updates, axis=0)


def by_logits(mu, advantages):
    """E[g] (V,) of a softmax with a logit for each level."""
    values = advantages.slopes(mu) @ mu / (advantages.n - 1)
    return mu * (values - mu @ values)
