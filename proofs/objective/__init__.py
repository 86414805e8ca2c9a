"""What is ascended: the truncations of log p and other polynomials of the failure probability."""
