"""What is done on the links between the service and its servers."""
