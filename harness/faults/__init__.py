"""What can go wrong: one module a layer, since the layer decides what the service sees.

`link` is streams of bytes, `wire` single messages of their protocols, `server` the server itself,
`syscall` the kernel's answer to the service's own call, `names` what a name server says, `process` the service. What
only one protocol's messages can have wrong is in that protocol's own `faults`.
"""

from harness.faults import link, names, process, server, server_away, syscall, wire
from harness.faults.fault import Fault, Need, no_fault
from harness.protocols.registry import import_everywhere

__all__ = ["Fault", "Need", "link", "names", "no_fault", "process", "server", "server_away", "syscall", "wire"]

import_everywhere("faults")
