"""The package on trial: oracle, adversarial inputs, proofs, bridges from proofs to code, and measured speed."""
