"""Exact variances."""
