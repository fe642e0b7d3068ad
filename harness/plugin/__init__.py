"""The pytest plugin: a test function that takes a `lab` is a scenario."""
