"""Is the relay transparent? Other projects' own test suites, and load generators, run direct and through it."""
