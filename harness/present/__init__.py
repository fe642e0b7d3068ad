"""Everything that people and CI services see: looks of verdicts, the terminal, pages, maps, CI reports."""
