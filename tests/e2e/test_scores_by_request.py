"""Scores by requests to the deployed API: as in the file, by the promoted model, and within 30 seconds."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from samples import score_a_claim
from tests.deployed import Deployed, eventually
from tests.integration.api.test_parity import ALL_TYPES, pets, pets_model

LINE, CLAIMS = "pets", 300
SHOWN = 30.0
"""Seconds after which a promotion must show."""


@pytest.fixture(scope="module")
def pets_line(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """Line pets with two registered models, the first of which is promoted."""
    contract = tmp_path_factory.mktemp("contract") / "pets.yaml"
    contract.write_text(ALL_TYPES, "utf-8")
    assert deployed.command("contract", "put", LINE, str(contract))["status"] == "applied"
    for version in "12":
        register(deployed, version)
    promote(deployed, "1")
    return deployed


def register(deployed: Deployed, version: str) -> None:
    new, files = pets_model(version, 40)
    bucket = deployed.outputs["ArtifactBucket"]
    for name, content in files.items():
        deployed.client("s3").put_object(
            Bucket=bucket, Key=f"models/{LINE}/{version}/{name}", Body=content, IfNoneMatch="*"
        )
    deployed.query(
        "INSERT INTO claimwatch.model_version (line, version, status, metrics, data_sha256, code_version,"
        " contract_version, bundle_uri, bundle_sha256)"
        " VALUES (%s, %s, 'registered', '{}', %s, 'c', '1.0.0', %s, %s)",
        LINE,
        version,
        "d" * 64,
        f"s3://{bucket}/models/{LINE}/{version}/",
        new.bundle_sha256,
    )


def promote(deployed: Deployed, version: str) -> None:
    answer = deployed.command("promote", LINE, version, "--as", "champion", "--why", "the test")
    assert answer["version"] == version, answer


def call(deployed: Deployed, path: Path) -> dict[str, Any]:
    return deployed.command("call", "scores", str(path), "--line", LINE)


def seconds_until(holds: Callable[[], bool]) -> float:
    """Ask until it holds; fail if it does not hold for a request that is sent when it must show.

    How long the request itself takes depends on the load of the machine, and does not count.
    """
    began = time.monotonic()
    while True:
        asked = time.monotonic() - began
        if holds():
            return asked
        assert asked <= SHOWN + 2, "reading a pointer takes up to two seconds"
        time.sleep(0.5)


@pytest.fixture
def one(tmp_path: Path) -> Path:
    path = tmp_path / "one.json"
    path.write_text('[{"claim_id": "P1", "reported_at": "2026-02-01T10:30:00", "amount": 1.5}]', "utf-8")
    return path


def test_claims_have_the_same_scores_by_file_and_by_requests_to_the_deployed_api(
    pets_line: Deployed, tmp_path: Path
) -> None:
    path = tmp_path / "claims.ndjson"
    path.write_text("".join(f"{text}\n" for text in pets(CLAIMS)), "utf-8")

    answer = call(pets_line, path)
    file = pets_line.ended(pets_line.drop(f"claims/{LINE}/claims.ndjson", path.read_bytes()))

    def stored() -> list[dict[str, Any]]:
        return pets_line.query(
            "SELECT claim_id, probability, percentile, referred FROM claimwatch.score WHERE file_id = %s",
            file["file_id"],
        )

    eventually(lambda: len(stored()) == file["rows_loaded"], "every claim of the file is scored")
    scored = {each["claim_id"]: each for each in answer["results"] if each["status"] == "scored"}
    assert len(answer["results"]) == CLAIMS == file["rows_read"]
    assert len(answer["requests"]) == 3
    assert {
        name: (each["probability"], each["percentile"], each["refer"]) for name, each in scored.items()
    } == {row["claim_id"]: (row["probability"], row["percentile"], row["referred"]) for row in stored()}


def test_every_request_is_recorded_with_who_asked_and_why(pets_line: Deployed, one: Path) -> None:
    request_id = call(pets_line, one)["requests"][0]["request_id"]

    def events() -> list[dict[str, Any]]:
        return pets_line.query("SELECT * FROM claimwatch.access_event WHERE request_id = %s", request_id)

    eventually(lambda: len(events()) == 1, "the event of the request")
    [event] = events()
    assert (event["action"], event["object"], event["purpose"]) == ("score", "P1", "testing")
    assert event["actor"].startswith("arn:aws:")


def test_the_sample_program_scores_a_claim(
    pets_line: Deployed, one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("ACCESS_KEY_ID", "test"), ("SECRET_ACCESS_KEY", "test")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", pets_line.stack.region)
    api = pets_line.outputs["ApiUrl"]

    def to_the_emulator(request: Request, timeout: float) -> Any:
        """The name of the API does not resolve on the laptop; the signature is for that name."""
        request.add_header("Host", urlsplit(api).netloc)
        request.full_url = request.full_url.replace(api, pets_line.stack.endpoint_url)
        return urlopen(request, timeout=timeout)  # noqa: S310 - the emulator's address

    monkeypatch.setattr(score_a_claim, "urlopen", to_the_emulator)
    answer = score_a_claim.score(api, LINE, json.loads(one.read_text("utf-8")), "testing")

    [result] = answer["results"]
    assert result["status"] == "scored"


def test_a_promotion_shows_within_thirty_seconds(pets_line: Deployed, one: Path) -> None:
    assert call(pets_line, one)["model_version"] == "1"

    promote(pets_line, "2")

    print(f"shown after {seconds_until(lambda: call(pets_line, one)['model_version'] == '2'):.1f} s")


def test_a_model_with_one_changed_bit_scores_nothing_and_a_rollback_shows_within_thirty_seconds(
    pets_line: Deployed, one: Path
) -> None:
    register(pets_line, "3")
    promote(pets_line, "3")
    bucket, key = pets_line.outputs["ArtifactBucket"], f"models/{LINE}/3/model.onnx"
    s3 = pets_line.client("s3")
    content = bytearray(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    content[len(content) // 2] ^= 1
    s3.delete_object(Bucket=bucket, Key=key)
    s3.put_object(Bucket=bucket, Key=key, Body=bytes(content), IfNoneMatch="*")

    def is_refused() -> bool:
        status, version = asked_once(pets_line, one)
        assert version != "3"
        return status == 503

    seconds_until(is_refused)

    before = pets_line.command("rollback", LINE, "--why", "the test")["version"]
    seconds_until(lambda: asked_once(pets_line, one) == (200, "2"))
    assert call(pets_line, one)["model_version"] == before == "2"


def asked_once(deployed: Deployed, path: Path) -> tuple[int, str | None]:
    """Return the status of one request, without the repetitions of the command line, and the model."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    from botocore.httpsession import URLLib3Session

    body = f'{{"claims": {path.read_text("utf-8")}}}'.encode()
    host = deployed.outputs["ApiUrl"].removeprefix("https://").removeprefix("http://")
    url = f"{deployed.stack.endpoint_url}/v1/lines/{LINE}/scores"
    headers = {"host": host, "content-type": "application/json", "x-purpose": "testing"}
    request = AWSRequest("POST", url, headers=headers, data=body)
    SigV4Auth(Credentials("test", "test"), "execute-api", deployed.stack.region).add_auth(request)
    answer = URLLib3Session(timeout=60, proxies={}).send(request.prepare())
    return answer.status_code, json.loads(answer.content).get("model_version")
