"""The protocols that the relay, the stack and the search know: one folder each, and one line in `registry`.

`contract/` says what a protocol's folder must contain. No other part of the harness names a protocol.
"""
