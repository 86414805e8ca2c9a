"""Frameworks: the estimators on their arrays and in their trainers; each module needs its own framework."""
