"""HTTP: which requests are accepted, and how they are answered."""
