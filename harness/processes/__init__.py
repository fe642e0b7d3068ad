"""The harness's processes: the keeper that owns all others, and the supervisor of their system calls."""
