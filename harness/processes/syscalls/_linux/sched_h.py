"""Flags of unshare(2). Source: linux/sched.h."""

CLONE_NEWUSER = 0x10000000
