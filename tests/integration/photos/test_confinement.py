"""A photo that takes over its decoder reaches nothing: neither the parent, nor files, nor the network."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from random import Random

import pytest
from PIL import ImageCms

from claimwatch.domain.photos.photo import Photo, examine
from claimwatch.errors import RefusedPhoto
from claimwatch.photos.decoder import Decoder
from tests.cluster import PROJECT
from tests.fuzz.photos import photo as hostile_photo
from tests.integration.photos.hostile_child import ATTACKS
from tests.unit.photos.damage import FORMATS, undamaged
from tests.unit.photos.pictures import encoded, picture

# The kernel exempts root from some limits. The interpreter may be in a folder that only root can enter.
ORDINARY_USER = (
    [
        *("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"),
        *("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"),
        "--bounding-set=-all,+dac_read_search",
    ]
    if os.geteuid() == 0
    else []
)


OPENS = [
    "environment of the parent",
    "memory file of the parent",
    "socket",
    "pair of sockets",
    "open a file",
    "open a file after closing all",
    "write a file",
    "file in memory",
    "duplicate",
    "pipe",
]
"""Attacks that need a new descriptor."""

NEEDS_TRACING = ["memory of the parent", "trace the parent"]
"""Attacks that some systems, but not Lambda's, forbid to ordinary users anyway."""

TRACING = Path("/proc/sys/kernel/yama/ptrace_scope")


@cache
def attacked(*, confined: bool) -> dict[str, str]:
    """Run every attack in a real decoder; its parent is an ordinary user with a secret in its environment."""
    parent = "tests.integration.photos.hostile_parent"
    command = [*ORDINARY_USER, sys.executable, "-m", parent, "threads", *ATTACKS]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(PROJECT), *filter(None, sys.path)]),
        "AWS_SECRET_ACCESS_KEY": "hush",
        "TMPDIR": "/tmp",  # noqa: S108 - the folder of these tests may belong to root
    }
    if not confined:
        environment["UNCONFINED"] = "yes"
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results: dict[str, str] = json.loads(done.stdout)
    assert results["user"] != "0"
    return results


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_photo_that_takes_over_its_decoder_cannot(attack: str) -> None:
    result = attacked(confined=True)[attack]
    match attack:
        case "raise the limit":
            assert result == "not allowed to raise maximum limit"
        case _ if attack in OPENS:
            assert result in ("EMFILE", "EINVAL")
        case _:
            assert result == "EPERM"


@pytest.mark.parametrize("attack", ATTACKS)
def test_without_confinement_the_attack_would_succeed(attack: str) -> None:
    if attack in NEEDS_TRACING and TRACING.exists() and TRACING.read_text().strip() != "0":
        return
    result = attacked(confined=False)[attack]
    ended = "decoding it crashes the decoder; save the photo as a JPEG and send that"
    assert result == (ended if attack == "execute" else "succeeded")


def test_another_process_of_the_user_cannot_read_the_environment_of_the_parent() -> None:
    results = attacked(confined=True)
    assert results["sibling before"] == "True"  # no decoder has been started yet
    assert results["sibling after"] == "PermissionError"
    assert attacked(confined=False)["sibling after"] == "True"


def test_a_confined_decoder_may_start_threads() -> None:
    assert attacked(confined=True)["threads"] == "succeeded"


def _photos() -> dict[str, bytes]:
    """Return photos that use what Pillow and its plug-ins load only when they need it."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image = picture(200, 100)
    return {
        **{form: undamaged(form) for form in FORMATS},
        "large HEIF": encoded(picture(2000, 1500), "HEIF"),
        "large AVIF": encoded(picture(2000, 1500), "AVIF"),
        "colour profile": encoded(image, "JPEG", icc_profile=lab),
        "CMYK": encoded(image.convert("CMYK"), "JPEG"),
        "palette": encoded(image.convert("P"), "PNG"),
        "transparency": encoded(image.convert("RGBA"), "WEBP"),
        "16 bits": encoded(image.convert("I;16"), "PNG"),
        "animated WebP": encoded(image, "WEBP", save_all=True, append_images=[picture(200, 100, seed=2)]),
        "XMP": encoded(image, "JPEG", xmp=b"<x:xmpmeta tiff:Orientation='6'/>"),
        **{
            f"TIFF with {compression}": encoded(image, "TIFF", compression=compression)
            for compression in ("jpeg", "tiff_adobe_deflate", "lzma", "packbits")
        },
        **{f"damaged {seed}": hostile_photo(Random(seed)) for seed in range(150)},
    }


def _result(examine: Callable[[bytes], Photo], data: bytes) -> Photo | str:
    try:
        return examine(data)
    except RefusedPhoto as refused:
        return str(refused)


def test_a_confined_decoder_reads_every_photo_as_an_unconfined_one_does() -> None:
    with closing(Decoder()) as decoder:
        for name, data in _photos().items():
            assert _result(decoder.examine, data) == _result(examine, data), name


def test_decoding_loads_nothing_after_the_decoders_are_loaded(tmp_path: Path) -> None:
    for number, data in enumerate(_photos().values()):
        (tmp_path / str(number)).write_bytes(data)
    script = (
        "import pathlib, sys\n"
        "from claimwatch.domain.photos import photo\n"
        "from claimwatch.errors import RefusedPhoto\n"
        "contents = [path.read_bytes() for path in pathlib.Path(sys.argv[1]).iterdir()]\n"
        "photo.load_decoders()\n"
        "opened = []\n"
        "def hook(event, args):\n"
        "    opened.extend(args[:1] if event in ('open', 'import') else [])\n"
        "sys.addaudithook(hook)\n"
        "for content in contents:\n"
        "    try:\n"
        "        photo.examine(content)\n"
        "    except RefusedPhoto:\n"
        "        pass\n"
        "print(opened)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
