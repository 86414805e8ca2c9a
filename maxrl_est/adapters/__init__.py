"""Frameworks: the estimators on their arrays and in their trainers; each module needs its own framework."""

__all__ = ["array_api", "jax", "torch", "torchrl", "trl", "verl"]
