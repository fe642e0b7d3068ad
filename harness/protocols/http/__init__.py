"""HTTP/1.x between the service and something that it calls."""
