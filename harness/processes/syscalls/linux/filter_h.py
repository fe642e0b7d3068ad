"""Classic BPF. Source: linux/bpf_common.h, linux/filter.h."""

import struct

BPF_LD_W_ABS = 0x00 | 0x00 | 0x20  # BPF_LD | BPF_W | BPF_ABS
BPF_JMP_JEQ_K = 0x05 | 0x10 | 0x00  # BPF_JMP | BPF_JEQ | BPF_K
BPF_RET_K = 0x06 | 0x00  # BPF_RET | BPF_K

SOCK_FILTER = struct.Struct("=HBBI")  # code, jt, jf, k
SOCK_FPROG = struct.Struct("@HP")  # len, pointer to the filter
