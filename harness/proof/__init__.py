"""Judges what protects the service: proofs, the ablation matrix, and mutants."""
