"""The smoke test sees whether the desk can be opened, and whether it signs in people of its own stack."""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.awsrequest import AWSRequest

from smoke.checks import Smoke
from smoke.claims import ClaimFile
from smoke.stack import Stack
from smoke.steps import SmokeFailed, Undo
from smoke.web import Answer, Web
from tests.unit.smoke.fakes import Cloud, Server, Time

OUTPUTS = {"DeskDistributionDomain": "d1.cloudfront.net", "UserPoolClientId": "own"}
PAGE = b'<script type="module" crossorigin src="/assets/index-1a2b.js"></script>'
FILES = {"/": PAGE, "/assets/index-1a2b.js": b"1", "/config.json": b'{"client_id": "own"}'}


def opened(files: dict[str, bytes], outputs: dict[str, str] = OUTPUTS) -> str:
    def respond(request: AWSRequest) -> Answer:
        url = str(request.url)
        assert url.startswith("https://d1.cloudfront.net/")
        content = files.get(url.removeprefix("https://d1.cloudfront.net"))
        return Answer(404, {}, b"") if content is None else Answer(200, {}, content)

    time = Time()
    smoke = Smoke(
        "claimwatch",
        ClaimFile("0a1b2c3d", datetime(2026, 1, 5, tzinfo=UTC)),
        boto3.Session(region_name="us-east-1"),
        Cloud({}),
        Web(send=Server(respond)),
        time.clock(),
        Undo(),
        _stack=Stack("claimwatch", "UPDATE_COMPLETE", outputs, {}),
    )
    return smoke.open_desk()


def test_a_desk_with_page_script_and_configuration_passes() -> None:
    assert opened(FILES) == ""


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (FILES | {"/": b"<html></html>"}, "starts no script. Where: https://d1.cloudfront.net/."),
        ({"/": PAGE}, "answered 404. Where: https://d1.cloudfront.net/assets/index-1a2b.js."),
        ({}, "answered 404. Where: https://d1.cloudfront.net/."),
        (FILES | {"/config.json": b'{"client_id": "other"}'}, "as another stack does"),
        (FILES | {"/config.json": b"<html></html>"}, "as another stack does"),
    ],
)
def test_a_desk_that_cannot_be_used_is_named(files: dict[str, bytes], sentence: str) -> None:
    with pytest.raises(SmokeFailed) as failed:
        opened(files)
    assert sentence in str(failed.value)
    assert "PublishDesk" in str(failed.value)


def test_a_desk_that_was_left_out_on_purpose_is_no_failure() -> None:
    assert "without its page" in opened({"/": b"<h1>The desk is missing</h1>"})
    assert "no desk" in opened({}, {})


def test_an_issuer_of_the_insurer_has_its_own_client() -> None:
    assert opened(FILES, {"DeskDistributionDomain": "d1.cloudfront.net"}) == ""
