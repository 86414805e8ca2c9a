"""Likelihoods that depend on the parameters, and Gaussian ones."""
