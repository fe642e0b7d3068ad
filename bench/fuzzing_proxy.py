"""asyncpg's own test proxy, as a separate process: `python -m bench.fuzzing_proxy HOST PORT` prints its port.

It comes with asyncpg: `asyncpg/_testbase/fuzzer.py`. Here it breaks nothing; it only passes bytes on.
"""

from __future__ import annotations

import signal
import sys

from asyncpg._testbase.fuzzer import TCPFuzzingProxy


def main() -> None:
    """Serve until SIGTERM."""
    host, port = sys.argv[1:]
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    proxy = TCPFuzzingProxy(backend_host=host, backend_port=int(port))
    proxy.start()
    print(proxy.listening_port, flush=True)
    signal.sigwait({signal.SIGTERM})
    proxy.stop()


if __name__ == "__main__":
    main()
