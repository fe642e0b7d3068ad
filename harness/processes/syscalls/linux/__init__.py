"""Constants and layouts of the kernel's interface, one file per header."""
