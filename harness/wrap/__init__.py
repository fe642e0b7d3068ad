"""`harness wrap`: any program behind the relay, without configuration, and a sweep over what its servers are asked."""
