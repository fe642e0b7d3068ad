"""What can go wrong: one module a layer, since the layer decides what the service sees.

`link` is Toxiproxy, `server` the server itself, `syscall` the kernel's answer to the service's own
call, `process` the service.
"""

from harness.faults import link, process, server, syscall
from harness.faults.fault import Fault, Need, no_fault

__all__ = ["Fault", "Need", "link", "no_fault", "process", "server", "syscall"]
