"""A champion of line motor for tests of the deployed application, without a training."""

import uuid
from pathlib import Path

from claimwatch.storage import models
from samples import BookConfig
from samples.delivery import Delivery, deliver
from tests.cluster import database_at
from tests.deployed import Deployed
from tests.motor_model import MotorModel, grow


def promoted(deployed: Deployed, folder: Path, name: str) -> MotorModel:
    """Register a small model, whose version begins with a name, and promote it."""
    config = BookConfig(seed=3, claims_per_week=300, weeks=8)
    sent = deliver(config, folder, Delivery(settling_weeks=2), parts=("claims", "truth"))
    weeks = sorted({Path(file.key).stem for file in sent if file.part == "claims"})
    grown = grow(folder, weeks, f"{name}-{uuid.uuid4().hex[:6]}")
    bucket, s3 = deployed.outputs["ArtifactBucket"], deployed.client("s3")
    for key, content in grown.keys().items():
        s3.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")
    with database_at(deployed.stack.database_url).transaction() as cursor:
        models.add_version(cursor, grown.registered(bucket))
    answer = deployed.command("promote", "motor", grown.version, "--as", "champion", "--why", "the test")
    assert answer["version"] == grown.version, answer
    return grown
