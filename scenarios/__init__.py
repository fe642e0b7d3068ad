"""The regression suite: one file a failure theme, each test a scenario."""
