"""Services that the harness holds: a small one for the pages, and some of other people."""
