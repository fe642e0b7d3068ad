"""The supervisor's side of a listener: receives a reported call, reads its process, and answers it."""

from __future__ import annotations

import ctypes
import enum
import errno
import fcntl
import os
import select
import sys
from dataclasses import dataclass

from harness.processes.syscalls.architecture import this_architecture
from harness.processes.syscalls.libc import syscall
from harness.processes.syscalls.linux import seccomp_h as seccomp


@dataclass(frozen=True, slots=True)
class Notification:
    """One reported call: the kernel's id of it, the calling thread, the number and the raw arguments."""

    id: int
    tid: int
    number: int
    arguments: tuple[int, ...]


class Waiting(enum.Enum):
    """The interface of a listener."""

    CALL = enum.auto()
    NOTHING = enum.auto()
    END = enum.auto()  # the last process with this filter has ended (reported from Linux 5.8 on)


class Listener:
    """A seccomp listener descriptor. No method blocks, as long as `receive` is called after `Waiting.CALL`."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        # The kernel writes its own idea of the struct, which a later one may have made longer.
        self._notif_size = max(_notif_size(), seccomp.SECCOMP_NOTIF.size)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def state(self) -> Waiting:
        """Look without waiting.

        Only poll distinguishes a call from the end: receiving at the end may block for ever.
        """
        found = dict(self._poll.poll(0)).get(self.descriptor, 0)
        if found & select.POLLIN:
            return Waiting.CALL
        return Waiting.END if found else Waiting.NOTHING

    def receive(self) -> Notification | None:
        """Return the next reported call; None if its process withdrew it (killed, interrupted)."""
        buffer = bytearray(self._notif_size)
        try:
            fcntl.ioctl(self.descriptor, seccomp.SECCOMP_IOCTL_NOTIF_RECV, buffer)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):
                return None
            raise
        call, tid, _flags, number, _arch, _ip, *arguments = seccomp.SECCOMP_NOTIF.unpack_from(buffer)
        return Notification(call, tid, number, tuple(arguments))

    def is_waiting(self, notification: Notification) -> bool:
        """Whether the call is still waiting. If so, the read memory was that of the right process."""
        call = notification.id.to_bytes(8, sys.byteorder)
        try:
            fcntl.ioctl(self.descriptor, seccomp.SECCOMP_IOCTL_NOTIF_ID_VALID, call)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return False
            raise
        return True

    def fail(self, notification: Notification, number: int) -> bool:
        """Make the call fail with that errno; False if it is no longer waiting."""
        return self._send(notification, error=-number, flags=0)

    def let_through(self, notification: Notification) -> bool:
        """Let the kernel do the call; False if it is no longer waiting."""
        return self._send(notification, error=0, flags=seccomp.SECCOMP_USER_NOTIF_FLAG_CONTINUE)

    def close(self) -> None:
        """Close it: later calls fail with ENOSYS."""
        os.close(self.descriptor)

    def _send(self, notification: Notification, *, error: int, flags: int) -> bool:
        answer = bytearray(seccomp.SECCOMP_NOTIF_RESP.pack(notification.id, 0, error, flags))
        try:
            fcntl.ioctl(self.descriptor, seccomp.SECCOMP_IOCTL_NOTIF_SEND, answer)
        except OSError as failure:
            if failure.errno == errno.ENOENT:
                return False
            raise
        return True


def _notif_size() -> int:
    sizes = ctypes.create_string_buffer(seccomp.SECCOMP_NOTIF_SIZES.size)
    syscall(this_architecture().seccomp, seccomp.SECCOMP_GET_NOTIF_SIZES, 0, ctypes.addressof(sizes))
    return int(seccomp.SECCOMP_NOTIF_SIZES.unpack(sizes.raw)[0])
