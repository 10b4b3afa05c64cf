"""Photos dropped into the landing bucket of the deployed application, from event to evidence."""

import csv
import json
import random
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageFilter

from local.processes import wait_until
from samples import Book, BookConfig, write_week
from tests.deployed import PATIENCE, Deployed, Row, eventually

EXIF_MODEL, EXIF_ORIENTATION, EXIF_IFD, EXIF_TAKEN, EXIF_ZONE = 0x0110, 0x0112, 0x8769, 0x9003, 0x9011
SIDEWAYS = 6


def scene(seed: int, size: tuple[int, int] = (1600, 1200)) -> Image.Image:
    """Return a picture whose structure is different for each seed."""
    draw = random.Random(seed)
    small = Image.frombytes("RGB", (16, 12), draw.randbytes(16 * 12 * 3))
    return small.resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(3))


def jpeg(image: Image.Image, **options: Any) -> bytes:
    written = BytesIO()
    image.save(written, "JPEG", **options)
    return written.getvalue()


def row(deployed: Deployed, version: str, table: str = "claim_image") -> Row:
    """Wait for the row of an object version and return it."""
    found: list[Row] = []

    def exists() -> bool:
        found[:] = deployed.query(f"SELECT * FROM claimwatch.{table} WHERE version_id = %s", version)
        return bool(found)

    assert wait_until(exists, PATIENCE, every=0.1), f"after {PATIENCE:.0f} s nothing in {table}"
    return found[0]


def test_a_photo_is_stored_with_upright_copies_that_contain_no_metadata(
    deployed: Deployed,
) -> None:
    exif = Image.Exif()
    exif[EXIF_MODEL], exif[EXIF_ORIENTATION] = "Camera of Jane", SIDEWAYS
    exif.get_ifd(EXIF_IFD).update({EXIF_TAKEN: "2026:01:02 03:04:05", EXIF_ZONE: "+01:00"})
    data = jpeg(scene(1), exif=exif.tobytes())

    version = deployed.drop("images/E2E-1/a+b%20 100%25.jpg", data)
    photo = row(deployed, version)

    assert (photo["event_id"], photo["key"]) == ("E2E-1", "images/E2E-1/a+b%20 100%25.jpg")
    assert (photo["format"], photo["width"], photo["height"]) == ("JPEG", 1200, 1600)
    assert photo["taken_at"].isoformat() == "2026-01-02T02:04:05+00:00"
    assert photo["taken_at_local"].isoformat() == "2026-01-02T03:04:05"
    for copy, longest in (("display", 1024), ("thumbnail", 256)):
        data = bytes(photo[copy])
        with Image.open(BytesIO(data)) as shown:
            assert (shown.format, max(shown.size), shown.height > shown.width) == ("JPEG", longest, True)
            assert not shown.getexif()
        assert b"Jane" not in data


def test_an_invalid_photo_is_rejected_with_a_reason_and_does_not_block_other_photos(
    deployed: Deployed,
) -> None:
    broken = deployed.drop("images/E2E-2/broken.jpg", jpeg(scene(2))[:5000])
    text = deployed.drop("images/E2E-2/note.jpg", b"this is not a photo")
    nowhere = deployed.drop("images/nowhere.jpg", jpeg(scene(2)))
    good = deployed.drop("images/E2E-2/good.jpg", jpeg(scene(2)))

    row(deployed, good)
    for version in (broken, text):
        assert row(deployed, version, "image_rejected")["event_id"] == "E2E-2"
    refused = row(deployed, nowhere, "image_rejected")
    assert (refused["event_id"], "images/<event id>/<name>" in refused["reason"]) == (None, True)


def test_a_photo_reused_for_another_event_is_reported(deployed: Deployed) -> None:
    first = row(deployed, deployed.drop("images/E2E-3/mine.jpg", jpeg(scene(3))))
    again = jpeg(scene(3).resize((800, 600)), quality=60)
    other = row(deployed, deployed.drop("images/E2E-4/mine-too.jpg", again))

    found = deployed.query(
        "SELECT event_id, other_event_id FROM claimwatch.image_match"
        " WHERE image_id = %s AND other_image_id = %s",
        other["image_id"],
        first["image_id"],
    )
    assert found == [{"event_id": "E2E-4", "other_event_id": "E2E-3"}]


def test_a_claim_has_the_photos_that_arrived_before_and_after_it(deployed: Deployed, tmp_path: Path) -> None:
    week = tmp_path / "week.csv"
    write_week(week, Book(BookConfig(seed=77, claims_per_week=20, weeks=1)), 0)
    with week.open(encoding="utf-8-sig", newline="") as file:
        claim_id = next(csv.DictReader(file))["claim_id"]
    before = row(deployed, deployed.drop(f"images/{claim_id}/1.jpg", jpeg(scene(4))))
    deployed.ended(deployed.drop("claims/motor/with-photos.csv", week.read_bytes()), "committed")
    after = row(deployed, deployed.drop(f"images/{claim_id}/2.jpg", jpeg(scene(5))))

    shown = deployed.query(
        "SELECT image_id FROM claimwatch.image_of_claim_motor WHERE claim_id = %s ORDER BY 1", claim_id
    )

    assert shown == [{"image_id": before["image_id"]}, {"image_id": after["image_id"]}]


def test_a_deleted_photo_is_no_longer_current(deployed: Deployed) -> None:
    key = "images/E2E-6/1.jpg"
    photo = row(deployed, deployed.drop(key, jpeg(scene(6))))
    bucket, s3 = deployed.outputs["LandingBucket"], deployed.client("s3")
    current = "SELECT version_id FROM claimwatch.current_claim_image WHERE key = %s"
    assert deployed.query(current, key)

    marker = s3.delete_object(Bucket=bucket, Key=key)["VersionId"]
    eventually(lambda: not deployed.query(current, key), "the deleted photo is not current")

    s3.delete_object(Bucket=bucket, Key=key, VersionId=marker)
    eventually(lambda: bool(deployed.query(current, key)), "the photo is current again")

    s3.delete_object(Bucket=bucket, Key=key, VersionId=photo["version_id"])
    eventually(lambda: not deployed.query(current, key), "the photo is permanently deleted")
    kept = deployed.query("SELECT count(*) AS photos FROM claimwatch.claim_image WHERE key = %s", key)
    assert kept == [{"photos": 1}]


def test_a_repeated_event_changes_nothing(deployed: Deployed) -> None:
    photo = row(deployed, deployed.drop("images/E2E-7/1.jpg", jpeg(scene(7))))
    again = message(photo["bucket"], photo["key"], photo["version_id"])
    for _ in range(3):
        deployed.client("sqs").send_message(QueueUrl=deployed.outputs["ImagesQueueUrl"], MessageBody=again)
    row(deployed, deployed.drop("images/E2E-7/2.jpg", jpeg(scene(8))))  # comes after the events in the queue

    assert deployed.query(
        "SELECT image_id FROM claimwatch.claim_image WHERE version_id = %s", photo["version_id"]
    ) == [{"image_id": photo["image_id"]}]


def test_a_message_that_always_fails_becomes_a_dead_letter_and_raises_an_alarm(
    deployed: Deployed,
) -> None:
    sqs, queue = deployed.client("sqs"), deployed.outputs["ImagesQueueUrl"]
    dead_letters = deployed.outputs["ImagesDeadLetterQueueUrl"]
    original = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    # With the original timeout, five receives would take an hour and a half.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    # The function has no permission to read this bucket.
    poison = message(deployed.outputs["ArtifactBucket"], "images/E2E-9/1.jpg", "1")
    try:
        sqs.send_message(QueueUrl=queue, MessageBody=poison)
        # The failing message does not block other photos.
        row(deployed, deployed.drop("images/E2E-9/2.jpg", jpeg(scene(9))))

        def waiting() -> int:
            name = "ApproximateNumberOfMessages"
            found = sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=[name])
            return int(found["Attributes"][name])

        eventually(lambda: waiting() == 1, "the message is in the dead-letter queue")
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=original)

    # The emulator publishes no queue metrics, so the test publishes the metric.
    cloudwatch = deployed.client("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [{"Name": "QueueName", "Value": dead_letters.rsplit("/", 1)[-1]}],
                "Value": waiting(),
            }
        ],
    )
    alarm = deployed.resource("ImagesDeadLettersAlarm")
    eventually(
        lambda: cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"] == "ALARM",
        "the dead-letter alarm is in ALARM",
    )


def test_no_log_contains_event_ids_or_names_of_photos(deployed: Deployed) -> None:
    row(deployed, deployed.drop("images/Jane-Doe-1970/Jane-in-Paris.jpg", jpeg(scene(10))))
    row(deployed, deployed.drop("images/Jane-Doe-1970/Jane-broken.jpg", b"broken"), "image_rejected")

    eventually(lambda: "photo processed" in "\n".join(deployed.logs()), "the function has logged")
    assert "Jane" not in "\n".join(deployed.logs())


def message(bucket: str, key: str, version: str) -> str:
    return json.dumps(
        {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "time": "2026-01-01T00:00:00Z",
            "detail": {
                "bucket": {"name": bucket},
                "object": {"key": key, "version-id": version, "size": 1, "sequencer": "0"},
            },
        }
    )
