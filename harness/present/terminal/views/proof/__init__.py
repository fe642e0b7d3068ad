"""Shows the results of proofs: protections, mutants, the matrix."""
