"""What the proofs came to: protections, mutants, the matrix."""
