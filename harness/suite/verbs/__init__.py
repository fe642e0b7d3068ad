"""What each verb of the command line does, and what it decides. A test calls these without a command line."""
