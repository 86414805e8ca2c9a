"""Numbers from groups of likelihoods: checked once at the door (`groups`), then relied on.

`ustatistics` and `logarithms` are the public face and `checked` the same of groups that have been checked; `baselines`
says what an advantage is made of, and ``_kernels`` compute. Letters mean the same in the whole package:

    B, N      groups, and rollouts of one prompt in a group
    T, d      order of an objective, and parameters of the policy
    l         likelihood of a rollout: the chance in [0, 1] that it is accepted; rewards of 0 and 1 are likelihoods
    S         score of a rollout (d,): the gradient of the logarithm of its probability
    p, q      pass rate p = E l of a prompt, and its failure rate q = 1 - p
    c         coefficients (T,) of an objective
    J, w      objective J(p) = -sum_{k=1..T} c_{k-1} q^k / k, and its weight w(p) = dJ/dp = sum_{k<T} c_k q^k
    J_T, w_T  those of MaxRL of order T, c_k = 1: the series of log p, and of 1 / p, cut after T terms
    E_k       mean of the products of 1 - l over all subsets of k rollouts, an unbiased estimate of q^k; the same of l
              estimates p^k
    omega_i   leave-one-out weight of rollout i, sum_k c_k E_k of the others: an unbiased estimate of w(p)
    b_i, A_i  baseline, and advantage A_i = omega_i l_i - b_i
    g         gradient estimate (1/N) sum_i A_i S_i of w(p) grad p = grad J
    K         successes in a group of 0/1 rewards, the sum of l; of failure powers, the largest k
"""

from maxrl_est.estimates._kernels import settled

__all__ = ["settled"]
