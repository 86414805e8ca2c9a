"""Files: written whole or not at all, checkpoints, rollouts in and out, and tables of text."""
