"""What trainers do knowingly, with the checks that warn of it, and words of the warnings."""

from __future__ import annotations

import numpy as np

from steps_entries import by_log, rloo, summed, whole_ratio


def advantages(batch):
    return rloo(batch.rewards).astype(float)


def tokens(batch):
    return batch.ratios.astype(float)


def geometric(batch):
    return np.exp(by_log(batch.log_ratios, batch) / batch.lengths)[..., None]


def clipped(low, high, dual=np.inf, ratio=tokens):
    """Successes count up to a ratio, failures from another on, and up to a third."""

    def step(batch):
        values = ratio(batch)
        kept = np.where(advantages(batch)[..., None] > 0, values <= 1 + high, (values >= 1 - low) & (values <= dual))
        return summed(advantages(batch), batch) * values * kept

    return step


def truncated(ratio, most):
    return lambda batch: summed(advantages(batch), batch) * np.minimum(ratio(batch).astype(float), most)


def masked(batch):
    values = tokens(batch)
    return summed(advantages(batch), batch) * values * ((values > 0.5) & (values < 5))


def soft(batch):
    """A gate that closes slowly on both sides of 1, faster for failures."""
    rate = np.where(advantages(batch)[..., None] > 0, 1.0, 1.05)
    gate = 1 / (1 + np.exp(-rate * (tokens(batch) - 1)))
    return summed(advantages(batch), batch) * 4 * gate * (1 - gate) * tokens(batch)


def token_mean(batch):
    every = batch.whole.lengths.sum(axis=(-1, -2))[..., None, None, None]
    return advantages(batch)[..., None] * batch.mask / every * batch.parts


def over_their_mean(batch):
    ratio = whole_ratio(batch).astype(float)
    return summed(advantages(batch), batch) * ratio / ratio.mean(axis=-2, keepdims=True)


STALE, TRUNCATED = "stale ratio", "truncated ratio"
USUAL = {
    "clipped ratios of tokens": (
        clipped(0.2, 0.2),
        (STALE, TRUNCATED),
        (
            "positive advantages a coefficient vanishes above 1.2;",
            "negative advantages a coefficient vanishes below 0.8",
        ),
    ),
    "a higher bound above, and a third": (
        clipped(0.2, 0.28, 3),
        (STALE, TRUNCATED),
        ("above 1.28", "below 0.8 and vanishes above 3"),
    ),
    "a clipped geometric mean": (
        clipped(3e-4, 4e-4, ratio=geometric),
        (STALE, TRUNCATED),
        ("above 1.0004", "below 0.9997", "geometric mean"),
    ),
    "truncated ratios of tokens": (truncated(tokens, 1.2), (STALE, TRUNCATED), ("stays above 1.2", "does not drift")),
    "truncated ratios of responses": (truncated(whole_ratio, 2), (TRUNCATED,), ("stays above 2", "does not drift")),
    "masked ratios": (masked, (STALE, TRUNCATED), ("vanishes below 0.5 and vanishes above 5",)),
    "a soft gate": (soft, (STALE, TRUNCATED), ("bends",)),
    "a token mean of the whole batch": (token_mean, ("lengths", "turning"), ("token mean", "large")),
    "ratios over their mean": (over_their_mean, ("ratio", STALE, TRUNCATED), ("divided by their mean",)),
}
