"""Local files that define a contract or a source."""

from pathlib import Path

from claimwatch.errors import RefusedDefinition


def read_definition(path: Path, refused: type[RefusedDefinition]) -> str:
    """Return the text of a file; raise the given error if it is not a text in UTF-8."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused([f"{path} is not a text in UTF-8 (byte {error.start}): save it as UTF-8"]) from error
