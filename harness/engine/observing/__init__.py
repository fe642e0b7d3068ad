"""What a run sees of the service, its servers and the wire."""
