"""Flags of mount(2). Source: linux/mount.h."""

MS_REC = 0x4000
MS_PRIVATE = 0x40000
