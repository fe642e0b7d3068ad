"""Redis: its wire protocols RESP2 and RESP3, and its server."""
