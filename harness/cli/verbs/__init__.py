"""One file per verb: its options, one call that does the work, and the output."""
