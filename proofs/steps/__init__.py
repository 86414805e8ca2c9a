"""What a training step ascends: lengths, ratios, one batch used again, KL terms, trees of rollouts."""
