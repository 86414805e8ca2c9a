"""The weight as an integral: bounds, and quadrature with a proved error."""
