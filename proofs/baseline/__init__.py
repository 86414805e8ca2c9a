"""What may be subtracted, and what the advantages in use really ascend."""
