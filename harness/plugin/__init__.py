"""The pytest plugin: test functions that take a `lab` are scenarios."""
