"""Publication of the packaged contract for a line that has none."""

from importlib.resources import files

from claimwatch.aws.objects import ObjectStore
from claimwatch.domain.contract.contract import LINE_NAME
from claimwatch.ingest.contract_keys import contract_key


def publish_contract(objects: ObjectStore, bucket: str, line: str) -> bool:
    """Write the packaged contract of a line to the bucket unless one exists; return whether it was written.

    Raises ``LookupError`` if no contract of this line ships with the code.
    """
    key = contract_key(line)
    text = packaged_contract(line)
    if objects.exists(bucket, key):
        return False
    objects.write(bucket, key, [text.encode()])
    return True


def packaged_contract(line: str) -> str:
    """Return the text of the packaged contract of a line. Raises ``LookupError`` if there is none."""
    folder = files("claimwatch").joinpath("contracts")
    if not LINE_NAME.fullmatch(line) or not (file := folder.joinpath(f"{line}.yaml")).is_file():
        raise LookupError(f"no contract for line '{line}' ships with the code; see contracts/")
    return file.read_text("utf-8")
