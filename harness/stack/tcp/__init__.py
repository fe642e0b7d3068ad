"""TCP as the kernel knows it: connections of a process, and ports that are claimed."""
