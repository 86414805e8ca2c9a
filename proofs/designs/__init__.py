"""Sampling that adapts: groups whose size 0/1 rewards decide."""
