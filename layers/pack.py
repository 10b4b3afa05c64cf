"""Builds a layer of third-party packages: installs pinned wheels, removes unused files, adds byte code.

`sam build` runs the Makefile of each layer in a copy of its folder, hence the symbolic links to this file.
Unused files are removed because a function with its layers is limited to 262,144,000 bytes unzipped.
"""

import argparse
import compileall
import gzip
import json
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

PLATFORM = "x86_64-manylinux_2_28"  # Lambda's python3.13 runs on Amazon Linux 2023, glibc 2.34
PYTHON = "3.13"

# Folders for development only. numpy imports "testing" and botocore "docs", so these stay.
UNUSED_FOLDERS = {"tests", "test", "include", "__pycache__"}
UNUSED_SUFFIXES = {".pyi", ".pyx", ".pxd", ".c", ".h", ".a", ".lib"}
# importlib.metadata reads the version and the entry points; installers read the rest of dist-info.
KEPT_METADATA = {"METADATA", "entry_points.txt"}
# Root files that botocore reads for every service.
BOTOCORE_ROOT_FILES = {"endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json"}


def install(requirements: Path, target: Path) -> None:
    """Install wheels for Lambda's platform, each verified by its hash."""
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
    # In an activated environment, uv would take its packages into account.
    subprocess.run(command, check=True, env={k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"})


def trim(target: Path, services: set[str]) -> None:
    """Remove files that functions never use; shared libraries (*.libs) stay unchanged."""
    shutil.rmtree(target / "bin", ignore_errors=True)
    (target / ".lock").unlink(missing_ok=True)
    for folder, folders, files in os.walk(target):
        if folder.endswith(".libs"):
            folders.clear()
            continue
        for name in [name for name in folders if name in UNUSED_FOLDERS]:
            shutil.rmtree(Path(folder, name))
            folders.remove(name)
        in_metadata = folder.endswith(".dist-info")
        if in_metadata:
            for name in folders:
                shutil.rmtree(Path(folder, name))
            folders.clear()
        for name in files:
            if Path(name).suffix in UNUSED_SUFFIXES or (in_metadata and name not in KEPT_METADATA):
                Path(folder, name).unlink()
    trim_botocore(target, services)


def trim_botocore(target: Path, services: set[str]) -> None:
    """Remove the models of all other services: together they are 25 MB of JSON."""
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
    shutil.rmtree(target / "boto3" / "data", ignore_errors=True)  # only boto3.resource() reads it


def keep_operations(target: Path, kept: list[str]) -> None:
    """Reduce the model of a service to the given operations (`ssm:GetParameter`): a client starts faster."""
    operations: dict[str, set[str]] = {}
    for service, _, operation in (name.partition(":") for name in kept):
        operations.setdefault(service, set()).add(operation)
    for service, names in operations.items():
        # A client is made from the newest version of its API; Lambda has an older one, too.
        *older, path = sorted((target / "botocore" / "data" / service).glob("*/service-2.json.gz"))
        for version in older:
            shutil.rmtree(version.parent)
        model = json.loads(gzip.decompress(path.read_bytes()))
        # Sorted, because equal layers must be equal archives: a layer that differs publishes new versions.
        model["operations"] = {name: model["operations"][name] for name in sorted(names)}
        shapes: dict[str, Any] = {}
        pending = [model["operations"]]
        while pending:
            for name in sorted(shapes_in(pending.pop()) - shapes.keys()):
                shapes[name] = model["shapes"][name]
                pending.append(shapes[name])
        model["shapes"] = shapes
        path.write_bytes(gzip.compress(json.dumps(model).encode(), mtime=0))


def shapes_in(part: Any) -> set[str]:
    """Return the shapes that a part of a service model refers to."""
    if isinstance(part, list):
        return set().union(*map(shapes_in, part))
    if not isinstance(part, dict):
        return set()
    inner = set().union(*map(shapes_in, part.values()))
    return inner | {part["shape"]} if isinstance(part.get("shape"), str) else inner


def remove_folders(target: Path, folders: list[str]) -> None:
    """Remove unused folders of packages; each must exist."""
    for folder in folders:
        shutil.rmtree(target / folder)


def compile_all(target: Path) -> None:
    """Compile all modules for faster cold starts; Python does not check this byte code against its source."""
    compiled = compileall.compile_dir(
        target,
        quiet=2,
        workers=0,
        stripdir=str(target),
        prependdir="/opt/python",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        print("some files of the layer do not compile", file=sys.stderr)


def main() -> None:
    """Build a layer in --target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=Path, required=True, help="the layer's python/ folder")
    parser.add_argument(
        "--requirements", type=Path, help="requirements with hashes; default: only compile the folder"
    )
    parser.add_argument("--services", nargs="*", default=[], help="botocore service models to keep")
    parser.add_argument(
        "--operations", nargs="*", default=[], help="operations to keep of services that are used for little"
    )
    parser.add_argument("--without", nargs="*", default=[], help="folders of packages to remove")
    options = parser.parse_args()
    options.target.mkdir(parents=True, exist_ok=True)
    if options.requirements:
        install(options.requirements, options.target)
        trim(options.target, set(options.services))
        keep_operations(options.target, options.operations)
        remove_folders(options.target, options.without)
    compile_all(options.target)


if __name__ == "__main__":
    main()
