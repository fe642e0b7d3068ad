"""Rules of the relay: which message, what is done to it, and what passed beside it."""
