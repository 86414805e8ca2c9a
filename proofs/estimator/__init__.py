"""Unbiased estimators of the weight and of the gradient, and what they are at 0/1 rewards."""
