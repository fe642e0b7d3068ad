"""What people see: the looks of verdicts, the terminal, the pages, the maps, and what CI services read."""
