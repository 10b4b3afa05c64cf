"""The real decoding process, taken over by its first photo: it attacks as the end of the photo says.

It refuses the photo with the result: ``succeeded``, or the name of the error that stopped it.
"""

import ctypes
import errno
import os
import resource
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from claimwatch.domain.photos import photo
from claimwatch.errors import RefusedPhoto
from claimwatch.photos import decoder

LIBC = ctypes.CDLL(None, use_errno=True)
PARENT = os.getppid()


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _read_parent() -> None:
    """Read the parent's memory at an address that is mapped in every process of this interpreter."""

    class Range(ctypes.Structure):
        _fields_ = (("start", ctypes.c_void_p), ("length", ctypes.c_size_t))

    here = ctypes.create_string_buffer(8)
    local = Range(ctypes.addressof(here), 8)
    remote = Range(int(sys.argv[3]), 8)
    _checked(LIBC.process_vm_readv(PARENT, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0))


def _open_after_closing_all() -> None:
    os.closerange(0, 3)
    os.open("/etc/hostname", os.O_RDONLY)


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _clone_like_fork() -> None:
    child = LIBC.syscall(56, 17, 0, 0, 0, 0)  # clone with SIGCHLD
    if child == 0:
        os._exit(0)
    _checked(child)


def _raise_the_limit() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))


ATTACKS: dict[str, Callable[[], object]] = {
    "environment of the parent": lambda: Path(f"/proc/{PARENT}/environ").read_bytes(),
    "memory file of the parent": lambda: os.open(f"/proc/{PARENT}/mem", os.O_RDONLY),
    "memory of the parent": _read_parent,
    "trace the parent": lambda: _checked(LIBC.ptrace(0x4206, PARENT, 0, 0)),
    "socket": socket.socket,
    "pair of sockets": socket.socketpair,
    "open a file": lambda: os.open("/etc/hostname", os.O_RDONLY),
    "open a file after closing all": _open_after_closing_all,
    "write a file": lambda: os.open(sys.argv[4] + "1", os.O_WRONLY | os.O_CREAT),
    "file in memory": lambda: os.memfd_create("x"),
    "duplicate": lambda: os.dup(0),
    "pipe": os.pipe,
    "raise the limit": _raise_the_limit,
    "fork": _fork,
    "clone like fork": _clone_like_fork,
    "execute": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - no shell is wanted
    "signal to the parent": lambda: os.kill(PARENT, 0),
    "remove a file": lambda: os.unlink(sys.argv[4]),
    "rename a file": lambda: os.rename(sys.argv[4], sys.argv[4] + "2"),
    "link": lambda: os.symlink("/etc/passwd", sys.argv[4] + "3"),
    "folder": lambda: os.mkdir(sys.argv[4] + "4"),
}


def _attempted(attack: Callable[[], object]) -> str:
    try:
        attack()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    except ValueError as error:
        return str(error)
    return "succeeded"


def _threads() -> str:
    thread = Thread(target=lambda: None)
    thread.start()
    thread.join()
    return "succeeded"


def examine(data: bytes, file_format: str) -> photo.Photo:
    """Attack; a photo without an attack is decoded."""
    name = data.rpartition(b"attack: ")[2].decode("latin-1")
    if name == "threads":
        raise RefusedPhoto(_threads())
    if name in ATTACKS:
        raise RefusedPhoto(_attempted(ATTACKS[name]))
    return real(data, file_format)


if __name__ == "__main__":
    real = photo._examine
    photo._examine = examine
    if "UNCONFINED" in os.environ:
        vars(decoder)["confine"] = lambda: None
    decoder.main()
