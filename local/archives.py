"""Archives of the built layers, made once for each build: `sam deploy` would compress 480 MB each time."""

import os
import re
import zipfile
from pathlib import Path

FUNCTION, LAYER = (re.compile(rf"(?m)^( +{name}: )(\w+)$") for name in ("CodeUri", "ContentUri"))


def with_archives(template: Path) -> Path:
    """Return a copy of a built template whose layers are archives; both are in a folder beside the build."""
    folder = template.parents[1] / "archives"
    archived = folder / template.name
    if archived.exists() and archived.stat().st_mtime_ns >= template.stat().st_mtime_ns:
        return archived
    folder.mkdir(exist_ok=True)
    text = template.read_text("utf-8")
    for _, layer in LAYER.findall(text):
        _archive(template.parent / layer, folder / f"{layer}.zip")
    # Relative paths to other files stay valid, because both folders are equally deep.
    text = FUNCTION.sub(rf"\1../{template.parent.name}/\2", LAYER.sub(r"\1\2.zip", text))
    unfinished = _unfinished(archived)
    unfinished.write_text(text, "utf-8")
    unfinished.replace(archived)
    return archived


def _archive(folder: Path, archive: Path) -> None:
    """Write an archive whose bytes depend on nothing but names and contents."""
    unfinished = _unfinished(archive)
    with zipfile.ZipFile(unfinished, "w") as written:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
            written.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=1)
    unfinished.replace(archive)


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")
