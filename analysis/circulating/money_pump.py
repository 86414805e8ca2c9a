"""A closed loop of laws round which an advantage that is the gradient of nothing climbs for ever.

Two prompts have one parameter, an angle. The law of the first, on rewards 0, 1/2 and 1, goes round a circle in its
simplex. That of the second, on 0 and 1, goes to and fro on a segment, where every advantage is a gradient, so that over
a turn it gains nothing; it is placed so that it takes from the first where that gains more than its mean over the turn,
and gives where it gains less. The update of both is then the same all round: the work of a turn over its length.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.special import bdtrc

import maxrl_est as mx

LEVELS = (0.0, 0.5, 1.0)
RADIUS = 0.3
TURN = 2 * np.pi


def circle(angle):
    """Chances (3,) of the rewards of the first prompt, and their derivatives."""
    direction = angle - TURN * np.arange(3) / 3
    return 1 / 3 + RADIUS * np.cos(direction), -RADIUS * np.sin(direction)


def prompt(chances, derivatives, levels):
    """A law with one parameter."""
    return mx.problems.Finite("a law on a loop", chances / chances.sum(), levels, (derivatives / chances)[:, None])


def angles(count):
    """So many, equally spaced; more than N make means over a turn exact, since E[g] has no higher frequency."""
    return TURN * np.arange(count) / count


def of_circle(name, n, count=72):
    """Updates (count,) along the circle alone."""
    return np.array([mx.exact_moments(prompt(*circle(x), LEVELS), name, n).mean[0] for x in angles(count)])


class Loop:
    """Both prompts, the second placed for an estimator and groups of n rollouts.

    ``law(angle)`` has its period, but is defined by the height that the estimator climbs: F(s) on the segment is
    F(1/2) + (mean update of the circle) angle - (its work up to the angle).
    """

    def __init__(self, name, n):
        weight = mx.effective_weight(name, n)
        self.n, self.weight, self.bernstein = n, weight, np.array(weight.bernstein, dtype=np.float64)
        found = of_circle(name, n)
        self.mean = found.mean()
        self.waves = np.fft.rfft(found)[1 : n + 1] / len(found)

    def height(self, s):
        """F(s), the integral of the effective weight from 0."""
        return self.bernstein @ bdtrc(np.arange(self.n), self.n, s) / self.n

    def excess(self, angle):
        """The first prompt's update less its mean, and its work from a fixed angle on."""
        k = np.arange(1, len(self.waves) + 1)
        terms = self.waves * np.exp(1j * k * angle)
        return 2 * terms.real.sum(), 2 * (terms / (1j * k)).real.sum()

    def segment(self, angle):
        """The chance s of reward 1 of the second prompt, and its derivative."""
        above, work = self.excess(angle)
        s = brentq(lambda s: self.height(s) - self.height(0.5) + work, 0, 1, xtol=1e-15, rtol=1e-15)
        return s, -above / self.weight.value(s)

    def law(self, angle):
        """Both prompts, equally likely."""
        s, slope = self.segment(angle)
        second = prompt(np.array([1 - s, s]), np.array([-slope, slope]), (0.0, 1.0))
        return mx.problems.Shared([prompt(*circle(angle), LEVELS), second])

    def chances(self, angle):
        """Of the rewards of both prompts: (5,)."""
        return np.concatenate([prompt.probabilities for _, prompt in self.law(angle).prompts])

    def update(self, name, angle):
        """E[g] of an estimator, exact."""
        return mx.exact_moments(self.law(angle), name, self.n).mean[0]

    def ascent(self, name, rate, steps):
        """The angle (steps + 1,) under plain ascent by E[g]."""
        path = [0.0]
        for _ in range(steps):
            path.append(path[-1] + rate * self.update(name, path[-1]))
        return np.array(path)
