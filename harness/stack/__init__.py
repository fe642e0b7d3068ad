"""What runs beside the service: real PostgreSQL, Redis and Toxiproxy servers, owned by the run."""

from harness.stack.addresses import HostPort
from harness.stack.deaths import DeadServer
from harness.stack.folders import private_folder
from harness.stack.postgres import PostgresServer
from harness.stack.postgres_settings import PostgresOptions
from harness.stack.redis import RedisServer
from harness.stack.server import Launch, Server
from harness.stack.stack import Stack, StackConfiguration
from harness.stack.toxiproxy.server import ToxiproxyServer

__all__ = [
    "DeadServer",
    "HostPort",
    "Launch",
    "PostgresOptions",
    "PostgresServer",
    "RedisServer",
    "Server",
    "Stack",
    "StackConfiguration",
    "ToxiproxyServer",
    "private_folder",
]
