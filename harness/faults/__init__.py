"""What can go wrong: one module for each layer, because the layer decides what the service sees.

`link` is streams of bytes, `wire` single messages of their protocols, `server` the server itself, `syscall` the
kernel's answer to the service's own call, `names` the answers of a name server, `process` the service. Faults of one
protocol's messages are in that protocol's own `faults`.
"""

from harness.faults import link, names, process, server, server_away, syscall, wire
from harness.faults.fault import Fault, Need, no_fault
from harness.protocols.registry import import_everywhere

__all__ = ["Fault", "Need", "link", "names", "no_fault", "process", "server", "server_away", "syscall", "wire"]

import_everywhere("faults")
