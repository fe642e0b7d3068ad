"""Redis Sentinel: how one is started and asked, what it watches, and its failovers."""
