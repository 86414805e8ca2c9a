"""Every order T in O(N): the mean over subsets as a short sum over a circle, with every error bounded."""
