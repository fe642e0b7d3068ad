"""Every order in which the statements of several requests can be let through."""
