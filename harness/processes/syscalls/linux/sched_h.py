"""Flags of unshare(2) and setns(2). Source: linux/sched.h."""

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
