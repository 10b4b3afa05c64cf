"""Files of models are written once: S3 itself refuses a second version."""

from collections.abc import Iterator

import pytest

from claimwatch.aws.objects import ObjectExists, S3Objects
from local.emulator import Emulator

BUCKET, KEY = "models", "models/motor/1/model.onnx"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as server:
        yield server


@pytest.fixture(scope="module")
def objects(emulator: Emulator) -> S3Objects:
    client = emulator.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return S3Objects(client)


def versions(emulator: Emulator, key: str) -> int:
    found = emulator.client("s3").list_object_versions(Bucket=BUCKET, Prefix=key)
    return len(found["Versions"])


def test_the_same_bytes_are_written_once(objects: S3Objects, emulator: Emulator) -> None:
    for _ in range(2):
        objects.create(BUCKET, KEY, [b"a gra", b"ph"])

    assert objects.newest(BUCKET, KEY) == b"a graph"
    assert versions(emulator, KEY) == 1
    assert emulator.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_other_bytes_never_replace_an_object(objects: S3Objects, emulator: Emulator) -> None:
    objects.create(BUCKET, "models/motor/2/model.onnx", [b"a graph"])

    with pytest.raises(ObjectExists, match="never replaced"):
        objects.create(BUCKET, "models/motor/2/model.onnx", [b"another graph"])

    assert objects.newest(BUCKET, "models/motor/2/model.onnx") == b"a graph"
    assert versions(emulator, "models/motor/2/model.onnx") == 1
