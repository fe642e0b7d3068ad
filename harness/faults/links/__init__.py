"""The parts of link faults: Toxiproxy's toxics, the kernel's losses, closed connections, handshakes."""
