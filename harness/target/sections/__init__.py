"""The sections of a target description, each with its schema."""
