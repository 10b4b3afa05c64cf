"""A process with a secret whose decoder is hostile: prints what each attack came to, as JSON.

The names of the attacks are its arguments. It must not be root, whom the kernel forbids little. With
``UNCONFINED`` in the environment, neither the decoder nor this process protects itself.
"""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

from claimwatch.errors import RefusedPhoto, TransientFault
from claimwatch.photos import decoder

SECRET = ctypes.create_string_buffer(b"hush")
SIBLING = "import pathlib, sys; print(len(pathlib.Path(sys.argv[1]).read_bytes()) > 0)"
"""A process of the same user that is not confined."""


def _started(command: list[str], **options: object) -> object:
    limits = command[command.index("claimwatch.photos.decoder") + 1 :]
    script = Path(__file__).with_name("hostile_child.py")
    with tempfile.NamedTemporaryFile(dir=os.environ["VICTIMS"], delete=False) as victim:
        more = [str(ctypes.addressof(SECRET)), victim.name]
    if "UNCONFINED" in os.environ:
        options["env"] = os.environ
    return subprocess.Popen([sys.executable, str(script), *limits, *more], **options)  # type: ignore[call-overload]


def _result(hostile: decoder.Decoder, attack: str) -> str:
    try:
        hostile.examine(b"\xff\xd8\xffattack: " + attack.encode())
    except (RefusedPhoto, TransientFault) as error:
        return str(error)
    return "decoded"


def _sibling(name: str) -> str:
    """Read a file of this process as another process of the same user does."""
    command = [sys.executable, "-c", SIBLING, f"/proc/{os.getpid()}/{name}"]
    read = subprocess.run(command, capture_output=True, text=True, check=False)
    return read.stdout.strip() or read.stderr.strip().splitlines()[-1].split(":")[0]


def main() -> None:
    """Start the hostile decoder anew for each attack."""
    results = {"user": str(os.geteuid()), "sibling before": _sibling("environ")}
    if "UNCONFINED" in os.environ:
        vars(decoder)["hide_memory"] = lambda: None
    vars(decoder)["subprocess"] = SimpleNamespace(**vars(subprocess) | {"Popen": _started})
    with tempfile.TemporaryDirectory() as os.environ["VICTIMS"]:
        for attack in sys.argv[1:]:
            with closing(decoder.Decoder(seconds=10)) as hostile:
                results[attack] = _result(hostile, attack)
    results["sibling after"] = _sibling("environ")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
