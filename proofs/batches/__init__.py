"""What whole batches of prompts ascend: groups that are dropped, and advantages that are normalised over the batch."""
