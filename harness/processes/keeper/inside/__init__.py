"""Code that runs in the keeper's process, and between a fork and its program. The harness only sends it messages."""
