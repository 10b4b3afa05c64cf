"""Layers are packed once for each build, and unpacked once: the workers of all functions share the files."""

import os
import random
import shutil
import tempfile
import time
import zipfile
from pathlib import Path

import pytest

from local.archives import with_archives
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


BUILT = """
Resources:
  CoreLayer:
    Properties:
      ContentUri: CoreLayer
  InspectFile:
    Properties:
      CodeUri: InspectFile
  Pipeline:
    Properties:
      DefinitionUri: ../../statemachines/pipeline.asl.json
"""


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A built template and its only layer."""
    template = tmp_path / "build" / "template.yaml"
    module = template.with_name("CoreLayer") / "python" / "module.py"
    module.parent.mkdir(parents=True)
    module.write_text("answer = 42\n")
    template.write_text(BUILT)
    os.utime(template, (1_000_000_000, 1_000_000_000))
    return template


def build_again(template: Path) -> None:
    """Write the template anew, later than anything that was made of it."""
    now = time.time() + 1
    os.utime(template, (now, now))


def test_the_layers_of_a_built_template_are_archives_of_their_files(built: Path) -> None:
    archived = with_archives(built)

    assert archived.parent.parent == built.parent.parent  # so that paths to other files stay valid
    assert archived.read_text() == BUILT.replace("Uri: CoreLayer", "Uri: CoreLayer.zip").replace(
        "CodeUri: ", "CodeUri: ../build/"
    )
    with zipfile.ZipFile(archived.with_name("CoreLayer.zip")) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "python/module.py": b"answer = 42\n"
        }


def test_a_layer_is_packed_again_after_a_build_only_and_equal_layers_are_equal_archives(built: Path) -> None:
    """CloudFormation replaces a layer, and all that uses it, if its archive differs."""
    archive = with_archives(built).with_name("CoreLayer.zip")
    first = archive.read_bytes()
    os.utime(archive, (1, 1))
    with_archives(built)
    assert archive.stat().st_mtime == 1

    os.utime(built.with_name("CoreLayer") / "python" / "module.py", (1, 1))
    build_again(built)
    with_archives(built)
    assert archive.stat().st_mtime > 1
    assert archive.read_bytes() == first

    (built.with_name("CoreLayer") / "python" / "module.py").write_text("answer = 43\n")
    build_again(built)
    with_archives(built)
    assert archive.read_bytes() != first
