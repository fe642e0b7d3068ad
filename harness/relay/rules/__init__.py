"""Rules of the relay: which message, the action on it, and the record of messages that passed."""
