"""A closed loop of laws round which an advantage that is the gradient of nothing climbs for ever.

Two prompts have one parameter, an angle. The law of the first, on rewards 0, 1/2 and 1, goes round a circle in its
simplex. That of the second, on 0 and 1, goes to and fro on a segment, where every advantage is a gradient, so that over
a turn it gains nothing; it is placed so that it takes from the first where that gains more than its mean over the turn,
and gives where it gains less. The update of both is then the same all round. A gain is the integral of an update.
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
    """So many, equally spaced."""
    return TURN * np.arange(count) / count


def of_circle(rule, n, count=72):
    """Updates (count,) of the first prompt alone: with N < count their mean over a turn is exact, as are their waves.

    E[g] is a polynomial of degree N of the chances and their derivatives, so that it has no frequency above N.
    """
    return np.array([mx.exact_moments(prompt(*circle(x), LEVELS), rule, n).mean[0] for x in angles(count)])


class Loop:
    """Both prompts, the second placed for an advantage function and groups of n rollouts.

    On the segment that ascends F(s), the integral of its effective weight. So s is where F(s) is F(1/2) less what the
    first prompt has gained beyond its mean.
    """

    def __init__(self, rule, n):
        self.n, self.weight = n, mx.effective_weight(rule, n)
        self.bernstein = np.array(self.weight.bernstein, dtype=np.float64)
        found = of_circle(rule, n)
        self.waves = np.fft.rfft(found)[1 : n + 1] / len(found)

    def height(self, s):
        """F(s), 0 at 0: the integral of C(n-1, m) s^m (1-s)^(n-1-m) is the chance of more than m among n, over n."""
        return self.bernstein @ bdtrc(np.arange(self.n), self.n, s) / self.n

    def excess(self, angle):
        """The first prompt's update less its mean, and the integral of that."""
        k = np.arange(1, len(self.waves) + 1)
        terms = self.waves * np.exp(1j * k * angle)
        return 2 * terms.real.sum(), 2 * (terms / (1j * k)).real.sum()

    def segment(self, angle):
        """The chance s of reward 1 of the second prompt, and its derivative."""
        above, gained = self.excess(angle)
        s = brentq(lambda s: self.height(s) - self.height(0.5) + gained, 0, 1, xtol=1e-15, rtol=1e-15)
        return s, -above / self.weight.value(s)

    def law(self, angle):
        """Both prompts, equally likely."""
        s, slope = self.segment(angle)
        second = prompt(np.array([1 - s, s]), np.array([-slope, slope]), (0.0, 1.0))
        return mx.problems.Shared([prompt(*circle(angle), LEVELS), second])

    def chances(self, angle):
        """Of the rewards of both prompts: (5,)."""
        return np.concatenate([prompt.probabilities for _, prompt in self.law(angle).prompts])

    def update(self, rule, angle):
        """E[g] of an advantage function."""
        return mx.exact_moments(self.law(angle), rule, self.n).mean[0]

    def ascent(self, rule, rate, steps):
        """The angle (steps + 1,) under plain ascent by E[g]."""
        path = [0.0]
        for _ in range(steps):
            path.append(path[-1] + rate * self.update(rule, path[-1]))
        return np.array(path)
