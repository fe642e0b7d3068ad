"""What the verbs show on a terminal: a module for each kind of result."""
