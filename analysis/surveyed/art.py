"""OpenPipe's ART: the function of its Tinker backend; the other backends compute the same inline, while tokenising."""

import functools

import maxrl_est as mx
from analysis.surveyed._batches import named


def art():
    from art.tinker_native.data import compute_advantages

    yield "shipped", named("compute_advantages()", mx.estimator_of(compute_advantages))
    centred = functools.partial(compute_advantages, normalize_advantages=False)
    yield "shipped", named("compute_advantages(normalize_advantages=False)", mx.estimator_of(centred))
