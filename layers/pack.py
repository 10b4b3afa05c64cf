"""Packs a layer of third-party packages: installs what is pinned, leaves out what never runs, adds byte code.

Called by the layers' Makefiles, each in a copy of its own folder (hence the symbolic links to this file).
The limit that it works for: a function with its layers is at most 262,144,000 bytes unzipped.
"""

import argparse
import compileall
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

PLATFORM = "x86_64-manylinux_2_28"  # Lambda's python3.13 runs on Amazon Linux 2023, glibc 2.34
PYTHON = "3.13"

# Folders that only a developer or a compiler reads. numpy imports "testing", and botocore "docs".
LEFT_OUT_FOLDERS = {"tests", "test", "include", "__pycache__"}
LEFT_OUT_SUFFIXES = {".pyi", ".pyx", ".pxd", ".c", ".h", ".a", ".lib"}
# importlib.metadata needs the version and the entry points; the rest of a dist-info is for installers.
KEPT_METADATA = {"METADATA", "entry_points.txt"}
# The root files that botocore reads whichever service is called.
BOTOCORE_ROOT_FILES = {"endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json"}


def install(requirements: Path, target: Path) -> None:
    """Install wheels only, for Lambda's platform, each checked against its hash."""
    uv = shutil.which("uv")
    pinned = ["--require-hashes", "--no-deps", "--target", str(target), "-r", str(requirements)]
    if uv:
        command = [uv, "pip", "install", "--quiet", "--python-platform", PLATFORM, "--python-version", PYTHON]
        command += ["--only-binary", ":all:", "--link-mode", "copy", "--python", sys.executable, *pinned]
    else:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
        for glibc in (28, 17, 12):
            command += ["--platform", f"manylinux_2_{glibc}_x86_64"]
        command += ["--platform", "manylinux2014_x86_64", "--python-version", PYTHON, *pinned]
    # Inside an activated environment uv would look at that one's packages.
    subprocess.run(command, check=True, env={k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"})


def trim(target: Path, services: set[str]) -> None:
    """Remove what never runs in a function; shared libraries (*.libs) are left exactly as they came."""
    shutil.rmtree(target / "bin", ignore_errors=True)
    (target / ".lock").unlink(missing_ok=True)
    for folder, folders, files in os.walk(target):
        if folder.endswith(".libs"):
            folders.clear()
            continue
        for name in [name for name in folders if name in LEFT_OUT_FOLDERS]:
            shutil.rmtree(Path(folder, name))
            folders.remove(name)
        in_metadata = folder.endswith(".dist-info")
        if in_metadata:
            for name in folders:
                shutil.rmtree(Path(folder, name))
            folders.clear()
        for name in files:
            if Path(name).suffix in LEFT_OUT_SUFFIXES or (in_metadata and name not in KEPT_METADATA):
                Path(folder, name).unlink()
    trim_botocore(target, services)


def trim_botocore(target: Path, services: set[str]) -> None:
    """Keep the service models that are called: all of them together would be 25 MB of JSON."""
    data = target / "botocore" / "data"
    if not data.is_dir():
        return
    unknown = services - {path.name for path in data.iterdir()}
    if unknown:
        raise SystemExit(f"botocore has no service model named: {', '.join(sorted(unknown))}")
    for path in data.iterdir():
        if path.is_dir() and path.name not in services:
            shutil.rmtree(path)
        elif path.is_file() and path.name not in BOTOCORE_ROOT_FILES:
            path.unlink()
    shutil.rmtree(target / "boto3" / "data", ignore_errors=True)  # boto3.resource(); we use clients


def leave_out(target: Path, folders: list[str]) -> None:
    """Remove folders of packages that nothing here imports; each has to be there."""
    for folder in folders:
        shutil.rmtree(target / folder)


def compile_all(target: Path) -> None:
    """Write byte code that is never checked against its source: a cold start would pay for compiling it."""
    compiled = compileall.compile_dir(
        target,
        quiet=2,
        workers=0,
        stripdir=str(target),
        prependdir="/opt/python",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        print("some files of the layer do not compile; importing them would say so", file=sys.stderr)


def main() -> None:
    """Pack one layer into --target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=Path, required=True, help="the layer's python/ folder")
    parser.add_argument(
        "--requirements", type=Path, help="hash-pinned; without it the folder is only compiled"
    )
    parser.add_argument("--services", nargs="*", default=[], help="botocore service models to keep")
    parser.add_argument("--without", nargs="*", default=[], help="folders of packages to leave out")
    options = parser.parse_args()
    options.target.mkdir(parents=True, exist_ok=True)
    if options.requirements:
        install(options.requirements, options.target)
        trim(options.target, set(options.services))
        leave_out(options.target, options.without)
    compile_all(options.target)


if __name__ == "__main__":
    main()
