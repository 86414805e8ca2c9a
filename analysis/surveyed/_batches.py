"""How functions of other shapes are called: on all groups at once, one after the other, as their trainers have them."""

import numpy as np

LONGEST = 4  # tokens of a failure; graded responses have fewer and successes one, so that what counts tokens shows it


def named(name, call):
    """A function of arrays (B, N) to advantages of that shape, in any form, as one that is called `name`."""

    def function(likelihoods):
        groups = np.asarray(likelihoods, dtype=np.float64)
        return np.reshape(call(groups.reshape(-1, groups.shape[-1])), groups.shape)

    function.__name__ = name
    return function


def of_tokens(name, call):
    """The same of rewards (B N,), a mask (B N, L) and N, to advantages of tokens (B N, L)."""

    def of_groups(groups):
        import torch

        rewards = torch.from_numpy(groups.ravel())
        lengths = LONGEST - torch.floor((LONGEST - 1) * rewards).long()
        mask = torch.arange(LONGEST) < lengths[:, None]
        found = call(rewards, mask, groups.shape[-1])
        common = found[:, :1]
        if not torch.isclose(torch.where(mask, found, common), common, equal_nan=True).all():
            raise ValueError(f"{name} must have the same advantage for all tokens of a response, got {found.tolist()}")
        return common[:, 0].double().numpy()

    return named(name, of_groups)
