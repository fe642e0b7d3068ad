"""`harness wrap`: runs any program behind the relay, without configuration; `--sweep` breaks its statements."""
