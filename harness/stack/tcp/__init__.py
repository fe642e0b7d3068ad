"""TCP as the kernel sees it: connections of a process, and claimed ports."""
