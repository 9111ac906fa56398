"""Runs a command that ends when its parent does: ``python tied.py PARENT COMMAND…``. A file of its own, for speed.

A program that is killed cannot tidy up after itself, so the kernel does it (prctl(2), PR_SET_PDEATHSIG).
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):  # it died just before
        sys.exit(1)
    os.execv(sys.argv[2], sys.argv[2:])
