"""What is done to the service's own processes, and how they start, run and end."""
