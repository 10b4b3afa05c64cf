"""Putting the contract that ships with the code in place, where there is none."""

from importlib.resources import files

from claimwatch.aws.objects import ObjectStore
from claimwatch.domain.contract.contract import LINE_NAME


def publish_contract(objects: ObjectStore, bucket: str, line: str) -> bool:
    """Put the sample line's contract into the bucket unless one is there; returns whether it was put.

    Raises ``LookupError`` for a line that no contract ships for.
    """
    key = f"contracts/{line}.yaml"
    text = packaged_contract(line)
    if objects.exists(bucket, key):
        return False
    objects.write(bucket, key, [text.encode()])
    return True


def packaged_contract(line: str) -> str:
    """The text of a contract that ships with the code; ``LookupError`` if there is none for the line."""
    folder = files("claimwatch").joinpath("contracts")
    if not LINE_NAME.fullmatch(line) or not (file := folder.joinpath(f"{line}.yaml")).is_file():
        raise LookupError(f"no contract for line '{line}' ships with the code; look into contracts/")
    return file.read_text("utf-8")
