"""HTTP/1.x between the service and a server that it calls."""
