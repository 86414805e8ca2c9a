"""Checks of a whole training step, by name; each is a function of a `StepSubject`, and has a page."""
