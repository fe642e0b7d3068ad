"""The parts of message faults: rules of the relay, moments, and the messages that matched."""
