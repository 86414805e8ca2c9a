"""The estimator table: bias, variance and cost of every estimator on every problem."""

from maxrl_est.tables._measured import GROUP_SIZES, GROUPS, PROBLEMS, bias_variance_table
from maxrl_est.tables._results import BiasVarianceTable, TableRow

__all__ = ["GROUPS", "GROUP_SIZES", "PROBLEMS", "BiasVarianceTable", "TableRow", "bias_variance_table"]
