"""What is done to the servers, for real."""
