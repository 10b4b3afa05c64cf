"""Files of models are written once: S3 itself refuses a second version."""

from collections.abc import Iterator

import pytest

from claimwatch.aws.objects import ObjectExists, ObjectMissing, ObjectRef, S3Objects
from claimwatch.errors import TransientFault
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


LANDED = "claims/motor/pull/policy/00000001.csv"


@pytest.mark.parametrize("size", [0, 5, (8 << 20), (17 << 20) + 1])
def test_a_repeated_upload_of_the_same_bytes_adds_no_version(
    objects: S3Objects, emulator: Emulator, size: int
) -> None:
    key = f"claims/motor/pull/policy/{size}.csv"
    written = [
        objects.write_unless_same(BUCKET, key, [b"x" * size], objects.mark(BUCKET, key)) for _ in range(2)
    ]

    assert written[0] == written[1]
    assert versions(emulator, key) == 1
    assert objects.listed_size(written[0]) == size
    assert emulator.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_other_bytes_are_a_new_version(objects: S3Objects, emulator: Emulator) -> None:
    first, second, third = [
        objects.write_unless_same(BUCKET, LANDED, [content], objects.mark(BUCKET, LANDED))
        for content in (b"one", b"two!", b"one")
    ]

    assert len({first, second, third}) == 3
    assert versions(emulator, LANDED) == 3
    assert [objects.listed_size(ref) for ref in (first, second)] == [3, 4]


@pytest.mark.parametrize("before", [[], [b"an earlier attempt"]])
def test_an_attempt_that_was_overtaken_replaces_nothing(
    objects: S3Objects, emulator: Emulator, before: list[bytes]
) -> None:
    key = f"claims/motor/pull/overtaken/{len(before)}.csv"
    for content in before:
        objects.write_unless_same(BUCKET, key, [content], None)
    mark = objects.mark(BUCKET, key)
    kept = objects.write_unless_same(BUCKET, key, [b"the later attempt"], mark)

    with pytest.raises(TransientFault, match="another attempt"):
        objects.write_unless_same(BUCKET, key, [b"the frozen attempt"], mark)
    assert objects.write_unless_same(BUCKET, key, [b"the later attempt"], mark) == kept
    assert objects.newest(BUCKET, key) == b"the later attempt"
    assert emulator.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_the_size_of_a_version_that_is_gone_is_not_listed(objects: S3Objects) -> None:
    for ref in (ObjectRef(BUCKET, LANDED, "gone"), ObjectRef(BUCKET, "claims/motor/pull/x/1.csv", "1")):
        with pytest.raises(ObjectMissing):
            objects.listed_size(ref)


def test_an_upload_that_breaks_off_leaves_nothing(objects: S3Objects, emulator: Emulator) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"x" * (9 << 20)
        raise KeyError

    with pytest.raises(KeyError):
        objects.write_unless_same(BUCKET, "claims/motor/pull/broken.csv", blocks(), None)
    assert not objects.exists(BUCKET, "claims/motor/pull/broken.csv")
    assert emulator.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
