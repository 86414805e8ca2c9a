"""Wrong advantage functions for some dtypes or shapes of the rewards, or with the wrong ones of their own."""

import numpy as np

from semantic_entries import (
    BINARY,
    BINARY_PAIRS,
    MAXRL,
    PAIRS,
    RL,
    Wrong,
    centred,
    floats,
    mean,
    rloo,
    ustat,
)


def truncated_like_input(r):
    out = np.zeros_like(r)
    out[...] = rloo(r)
    return out


def assigned_into_copy(r):
    out = np.array(r)
    for i in range(out.shape[-1]):
        out[..., i] = rloo(r)[..., i]
    return out


def sum_in_own_dtype(r):
    r = np.asarray(r)
    n = r.shape[-1]
    return (n * r - r.sum(-1, keepdims=True, dtype=r.dtype)) / max(n - 1, 1)


def negated_bits(r):
    """Failures as ~r, which is true for 0 and for 1 if these are integers."""
    r = np.asarray(r)
    return -rloo((~r).astype(bool) if r.dtype.kind in "bui" else 1 - floats(r))


def counted_in_bytes(r):
    successes = np.asarray(r).astype(np.int8).sum(-1, keepdims=True, dtype=np.int8)
    return floats(r) - successes / np.shape(r)[-1]


def unsigned(r):
    r = np.asarray(r).astype(np.uint8)
    return (r.shape[-1] * r - r.sum(-1, keepdims=True, dtype=np.uint8)) / r.shape[-1]


def width_tolerance(l):
    """Whatever is small for the dtype counts as nothing."""
    l = np.asarray(l)
    small = 1e4 * np.finfo(np.result_type(l, np.float32)).eps
    return ustat(np.where(l < small, 0, l))


def half_the_width(l):
    l = np.asarray(l)
    return ustat(l.astype(np.float16 if l.dtype == np.float32 else np.float32))


def floor_divided(r):
    r = floats(r)
    return r.shape[-1] * r // np.maximum(r.sum(-1, keepdims=True), 1)


def squeezed(r):
    return np.squeeze(rloo(r))


def second_axis(r):
    return centred(r) if np.ndim(r) == 1 else floats(r) - floats(r).mean(axis=1, keepdims=True)


def broadcast_if_it_fits(r):
    r = floats(r)
    base = r.mean(-1)
    return r - (base if base.shape[-1:] == r.shape[-1:] else base[..., None])


def transposed_if_square(r):
    r = floats(r)
    return rloo(r) if r.ndim < 2 or r.shape[-1] != r.shape[-2] else rloo(r.swapaxes(-1, -2)).swapaxes(-1, -2)


def batch_axes_merged(r):
    return rloo(r).reshape(-1, np.shape(r)[-1]) if np.ndim(r) > 1 else rloo(r)


def interleaved(r):
    n = np.shape(r)[-1]
    return rloo(floats(r).reshape(n, -1).T).T.reshape(np.shape(r))


def fortran_order(r):
    return np.ascontiguousarray(rloo(floats(r).reshape((-1, np.shape(r)[-1]), order="F"))).reshape(np.shape(r))


def first_256_groups(r):
    flat = floats(r).reshape(-1, np.shape(r)[-1])
    out = np.zeros_like(flat)
    out[:256] = rloo(flat[:256])
    return out.reshape(np.shape(r))


WRONG = {
    # dtypes that trainers pass
    "truncated_like_input": Wrong(truncated_like_input, RL, "integer rewards give integer advantages"),
    "assigned_into_copy": Wrong(assigned_into_copy, RL, "an integer copy truncates what is put into it"),
    "sum_in_own_dtype": Wrong(sum_in_own_dtype, RL, "bool rewards sum to at most True", PAIRS),
    "negated_bits": Wrong(negated_bits, RL, "integers: ~1 is -2 and ~0 is -1, all failed"),
    "counted_in_bytes": Wrong(counted_in_bytes, RL, "128 successes are -128", {**BINARY, "group_sizes": (8, 160)}),
    "unsigned": Wrong(unsigned, RL, "below zero there is 255", BINARY_PAIRS),
    "width_tolerance": Wrong(width_tolerance, MAXRL, "likelihoods below 1.2e-3 are 0 in float32"),
    "half_the_width": Wrong(half_the_width, MAXRL, "float32 likelihoods become float16"),
    "floor_divided": Wrong(floor_divided, MAXRL, "N // K", BINARY),
    "integers": Wrong(lambda r: rloo(r).astype(int), RL, "advantages are cut off to integers"),
    "booleans": Wrong(lambda r: floats(r) > mean(r), RL, "above the mean or not", PAIRS),
    "float16_out": Wrong(lambda r: rloo(r).astype(np.float16), RL, "three digits, and nothing below 6e-8"),
    "bytes_out": Wrong(lambda r: np.round(100 * rloo(r)).astype(np.int8), RL, "per cent, from a log"),
    # shapes
    "squeezed": Wrong(squeezed, RL, "a batch of one group loses its axis"),
    "second_axis": Wrong(second_axis, RL, "axis 1 is rollouts in (B, N) only", PAIRS),
    "broadcast_if_it_fits": Wrong(broadcast_if_it_fits, RL, "B = N: means along the wrong axis", PAIRS),
    "transposed_if_square": Wrong(transposed_if_square, RL, "B = N: groups are taken along the other axis"),
    "batch_axes_merged": Wrong(batch_axes_merged, RL, "(A, B, N) comes back as (A B, N)"),
    "interleaved": Wrong(interleaved, RL, "takes every B-th reward for a group"),
    "fortran_order": Wrong(fortran_order, RL, "several batch axes: rewards of different groups meet"),
    "first_256_groups": Wrong(first_256_groups, RL, "groups beyond 256 get nothing"),
    "transposed_out": Wrong(lambda r: rloo(r).T, RL, "(N, B) for (B, N)"),
    "one_a_group": Wrong(lambda r: rloo(r).mean(-1), RL, "the axis of rollouts is gone"),
    "kept_axis": Wrong(lambda r: rloo(r)[..., None], RL, "an axis too many"),
    "undeclared_squeeze": Wrong(squeezed, None, "a batch of one group loses its axis"),
}
