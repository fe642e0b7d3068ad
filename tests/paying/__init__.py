"""A service that calls something over HTTP and something over plain TCP before it acknowledges, and its target."""
