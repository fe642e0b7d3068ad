"""A Redis that fails over to a replica: how the replica is made, and the fault."""
