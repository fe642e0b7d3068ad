"""One file for each verb: its options, one call that does the work, and what is shown of it."""
