"""What the report shows of one run."""
