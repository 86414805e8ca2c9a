"""Measured speed and accuracy, each figure with its limit."""

from maxrl_est.selftest.bench.errors import accuracy
from maxrl_est.selftest.bench.figures import Measurement
from maxrl_est.selftest.bench.machine import meta
from maxrl_est.selftest.bench.processes import peak_memory, start_up
from maxrl_est.selftest.bench.ratios import speed

__all__ = ["Measurement", "accuracy", "meta", "peak_memory", "speed", "start_up"]
