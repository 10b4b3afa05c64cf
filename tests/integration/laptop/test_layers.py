"""The emulator unpacks each layer once, and the workers of all functions share its files."""

import random
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest

from local.emulator_server.functions import CachedZipFile


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def layer(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("python/package/module.py", "answer = 42\n")
        archive.writestr("python/package/data.bin", content)
    return path


def unpack(archive: Path, folder: Path) -> list[str]:
    """Unpack as ministack does; return the names that it checks before."""
    folder.mkdir()
    with CachedZipFile(str(archive)) as opened:
        names = opened.namelist()
        opened.extractall(str(folder))
    return names


def test_a_layer_is_unpacked_once_and_the_end_of_a_worker_removes_it_from_no_other(scratch: Path) -> None:
    content = random.Random(1).randbytes(1_000_000)
    first, second = scratch / "first", scratch / "second"

    assert unpack(layer(scratch / "layer.zip", content), first) == [
        "python/package/module.py",
        "python/package/data.bin",
    ]
    shutil.copy(scratch / "layer.zip", scratch / "copy.zip")
    unpack(scratch / "copy.zip", second)

    [one, other] = [folder / "python" / "package" / "data.bin" for folder in (first, second)]
    assert one.samefile(other)
    shutil.rmtree(first)
    assert other.read_bytes() == content


def test_another_layer_has_its_own_files(scratch: Path) -> None:
    for name, seed in (("first", 1), ("second", 2)):
        content = random.Random(seed).randbytes(1_000_000)
        unpack(layer(scratch / f"{name}.zip", content), scratch / name)
        assert (scratch / name / "python" / "package" / "data.bin").read_bytes() == content


def test_a_small_archive_is_the_worker_s_own(scratch: Path) -> None:
    archive = layer(scratch / "code.zip", b"small")
    for name in ("first", "second"):
        unpack(archive, scratch / name)
    module = Path("python", "package", "module.py")
    assert not (scratch / "first" / module).samefile(scratch / "second" / module)
