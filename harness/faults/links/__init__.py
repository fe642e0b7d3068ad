"""What faults of a whole link are made of: Toxiproxy's toxics, the kernel's losses, ends of connections, handshakes."""
