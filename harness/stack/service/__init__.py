"""The service under test as a process: how it starts, stops, and loses its output."""
