"""Graded rewards: which advantages in use are the gradient of nothing, and what makes a gradient of each."""
