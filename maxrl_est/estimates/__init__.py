"""Numbers from groups of likelihoods: checked once at the door (`groups`), then relied on.

`ustatistics` is the public face and `checked` the same of groups that have been checked; `baselines` says what an
advantage is made of, and ``_kernels`` compute.
"""
