"""The HTTP/1.1 client that speaks to the service under test."""
