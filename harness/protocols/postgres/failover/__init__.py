"""A PostgreSQL with a standby: how it is made, promoted, swapped or lost, and what rows the nodes have."""
