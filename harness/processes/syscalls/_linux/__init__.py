"""Numbers and layouts of the kernel's interface, one file for each of its headers."""
