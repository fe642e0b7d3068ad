"""A PostgreSQL with a standby: how it is created, promoted, swapped or lost, and which rows the nodes have."""
