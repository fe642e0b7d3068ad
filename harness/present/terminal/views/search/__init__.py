"""What a search found: maps, orders, coverage."""
