"""Confinement of the process that decodes photos, for the day when a photo takes over its decoder.

Lambda offers no user namespaces, no second user and no libseccomp, so the process confines itself, after it
has loaded its libraries and before it reads the first photo. Nothing of this can be undone by the process.

- It opens nothing any more, neither files nor sockets: the limit of its open descriptors is zero, and those
  that are open stay usable.
- It starts no process or program, sends no signal, reads no other process, and changes no name in a file
  system: a filter of system calls refuses these. It may start threads, because the HEIC decoder does.
- Its parent, which has the credentials, lets nobody read its memory or environment.
"""

import ctypes
import platform
import resource
import struct

_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38
"""Options of prctl(2)."""

_SECCOMP_MODE_FILTER = 2

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Instructions of BPF: load 32 bits; jump if they equal, reach or share a bit with a value; return."""

_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets in the data of a system call that the program reads."""

_ALLOW, _REFUSE, _UNKNOWN = 0x7FFF0000, 0x00050001, 0x00050026
"""Results: go on, fail with EPERM, and fail with ENOSYS, after which the C library tries an older call."""

_X86_64 = 0xC000003E
_X32_CALLS = 0x40000000
_CLONE, _CLONE3, _CLONE_THREAD = 56, 435, 0x10000

_REFUSED = {
    "fork": 57,
    "vfork": 58,
    "execve": 59,
    "kill": 62,
    "truncate": 76,
    "rename": 82,
    "mkdir": 83,
    "rmdir": 84,
    "link": 86,
    "unlink": 87,
    "symlink": 88,
    "chmod": 90,
    "ptrace": 101,
    "rt_sigqueueinfo": 129,
    "mknod": 133,
    "tkill": 200,
    "tgkill": 234,
    "mkdirat": 258,
    "mknodat": 259,
    "unlinkat": 263,
    "renameat": 264,
    "linkat": 265,
    "symlinkat": 266,
    "fchmodat": 268,
    "rt_tgsigqueueinfo": 297,
    "prlimit64": 302,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "renameat2": 316,
    "execveat": 322,
    "fchmodat2": 452,
}
"""System calls that the process may not make, by their numbers on x86-64."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def hide_memory() -> None:
    """Let no process of the same user read the memory or the environment of this one."""
    _prctl(_PR_SET_DUMPABLE, 0)


def confine() -> None:
    """Confine this process. Its libraries must be loaded: it cannot load any afterwards.

    A kernel without filters of system calls leaves the other measures.
    """
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        resource.setrlimit(limit, (0, 0))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if platform.machine() == "x86_64":
        instructions = b"".join(_filter())
        program = _Program(len(instructions) // len(_instruction(_RETURN, _ALLOW)), instructions)
        _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))


def _filter() -> list[bytes]:
    """Return the program: most instructions skip the next one unless a number is refused."""
    refused = [
        part
        for number in _REFUSED.values()
        for part in (_instruction(_EQUAL, number, no=1), _instruction(_RETURN, _REFUSE))
    ]
    return [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, _X86_64, yes=1),
        _instruction(_RETURN, _REFUSE),
        _instruction(_LOAD, _NUMBER),
        _instruction(_AT_LEAST, _X32_CALLS, no=1),
        _instruction(_RETURN, _REFUSE),
        *refused,
        _instruction(_EQUAL, _CLONE3, no=1),
        _instruction(_RETURN, _UNKNOWN),
        _instruction(_EQUAL, _CLONE, no=3),
        _instruction(_LOAD, _FIRST_ARGUMENT),
        _instruction(_ANY_BIT, _CLONE_THREAD, yes=1),
        _instruction(_RETURN, _REFUSE),
        _instruction(_RETURN, _ALLOW),
    ]


def _instruction(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """Return an instruction; ``yes`` and ``no`` are the instructions that a jump skips."""
    return struct.pack("HBBI", code, yes, no, value)


def _prctl(option: int, *arguments: int) -> bool:
    """Call prctl(2); return whether the kernel did what was asked."""
    try:
        prctl = ctypes.CDLL(None).prctl
    except (AttributeError, OSError):  # not Linux
        return False
    padded = (*arguments, 0, 0, 0)[:4]
    return bool(prctl(option, *map(ctypes.c_ulong, padded)) == 0)
