"""HTTP: what may come in, and how it is answered."""
