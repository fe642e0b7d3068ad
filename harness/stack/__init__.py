"""What runs beside the service: the servers behind its links, Toxiproxy and the relay. The run owns them."""

from harness.addresses import HostPort
from harness.stack.folders import private_folder
from harness.stack.servers.configuration import StackConfiguration
from harness.stack.servers.deaths import DeadServer
from harness.stack.servers.server import Launch, Server
from harness.stack.stack import Stack
from harness.stack.toxiproxy.server import ToxiproxyServer

__all__ = [
    "DeadServer",
    "HostPort",
    "Launch",
    "Server",
    "Stack",
    "StackConfiguration",
    "ToxiproxyServer",
    "private_folder",
]
