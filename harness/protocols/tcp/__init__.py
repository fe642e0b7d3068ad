"""Plain TCP: any protocol that the harness does not read. Its two directions are streams of bytes, without messages."""
