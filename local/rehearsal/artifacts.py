"""Artifacts of a pipeline: archives in its bucket, read and written with the rights of whoever needs them."""

import io
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Artifact:
    """An archive in the bucket of the pipeline. `revision` names the state of the source it comes from."""

    bucket: str
    key: str
    revision: str = ""


@dataclass(frozen=True)
class ArtifactStore:
    """The bucket and the key of a pipeline's artifacts."""

    bucket: str
    kms_key: str | None

    def put(self, s3: Any, pipeline: str, name: str, archive: bytes, revision: str = "") -> Artifact:
        """Store an archive under a key like CodePipeline's: both names are cut."""
        key = f"{pipeline[:20]}/{name[:10]}/{uuid.uuid4().hex[:7]}"
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key} if self.kms_key else {}
        s3.put_object(Bucket=self.bucket, Key=key, Body=archive, **encryption)
        return Artifact(self.bucket, key, revision)


def read(s3: Any, artifact: Artifact) -> zipfile.ZipFile:
    """Return an artifact's archive."""
    content = s3.get_object(Bucket=artifact.bucket, Key=artifact.key)["Body"].read()
    return zipfile.ZipFile(io.BytesIO(content))


def packed(folder: Path) -> bytes:
    """Return the files below a folder as an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return buffer.getvalue()
