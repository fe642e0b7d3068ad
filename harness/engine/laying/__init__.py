"""What a service runs on: servers that many runs share, and links of its own."""
