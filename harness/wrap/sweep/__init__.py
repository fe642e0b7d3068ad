"""`harness wrap --sweep`: runs a command once for each of its messages and each way to break it."""
