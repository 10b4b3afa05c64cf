"""The distribution serves the desk and the API from one origin, as browsers see it."""

import gzip
import json
import re
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.deployed import Deployed
from tests.sign_in import request, sign_in


def fetch(deployed: Deployed, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    return request(deployed.stack.desk_url, "GET", path, headers=headers)


def script(deployed: Deployed) -> str:
    """The path of the script that the page starts with."""
    _, _, page = fetch(deployed, "/")
    [path] = re.findall(r'<script type="module"[^>]* src="(/assets/[^"]+\.js)"', page.decode())
    return str(path)


def test_the_page_and_its_configuration_are_kept_by_nobody(deployed: Deployed) -> None:
    for path, kind in (("/", "text/html; charset=utf-8"), ("/config.json", "application/json")):
        status, headers, _ = fetch(deployed, path)
        assert (status, headers["content-type"], headers["cache-control"]) == (200, kind, "no-store")


def test_assets_are_kept_for_ever_and_compressed(deployed: Deployed) -> None:
    path = script(deployed)
    status, headers, plain = fetch(deployed, path)
    assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "content-encoding" not in headers
    _, headers, packed = fetch(deployed, path, **{"Accept-Encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == plain


@pytest.mark.parametrize("path", ["/", "/config.json", "/app/me", "/v1/health", "/assets/missing.js"])
def test_every_answer_forbids_what_the_page_does_not_need(deployed: Deployed, path: str) -> None:
    _, headers, _ = fetch(deployed, path)
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert f"connect-src 'self' {deployed.stack.endpoint_url};" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["strict-transport-security"].startswith("max-age=31536000")


def test_the_configuration_names_the_sign_in_of_this_stack(deployed: Deployed) -> None:
    document = json.loads(fetch(deployed, "/config.json")[2])
    assert document["client_id"] == deployed.outputs["UserPoolClientId"]
    assert document["issuer"].endswith(f"/{deployed.outputs['UserPoolId']}")
    assert document["authority_metadata"]["token_endpoint"] == f"{deployed.stack.endpoint_url}/oauth2/token"


def test_who_signed_in_for_the_desk_reaches_the_api_through_its_origin(deployed: Deployed) -> None:
    document = json.loads(fetch(deployed, "/config.json")[2])
    [ida] = [user for user in deployed.stack.users if user.name == "ida"]
    tokens = sign_in(
        document["sign_in_url"],
        document["client_id"],
        ida.name,
        ida.password,
        redirect_uri=deployed.stack.desk_url,
    )
    status, headers, body = fetch(deployed, "/app/me", Authorization=f"Bearer {tokens['access_token']}")
    assert (status, json.loads(body)["actor"]) == (200, "ida")
    assert "no-store" in headers["cache-control"]
    assert fetch(deployed, "/app/me")[0] == 401
    query = f"/app/audit?{'a' * 10}=1"
    assert fetch(deployed, query, Authorization=f"Bearer {tokens['access_token']}")[0] in (400, 403)


def test_a_body_and_its_status_pass_through_the_origin(deployed: Deployed) -> None:
    connection = HTTPConnection(urlsplit(deployed.stack.desk_url).netloc, timeout=60)
    connection.request("POST", "/v1/permissions", body="{}")  # not signed
    assert connection.getresponse().status == 403
    connection.close()


def test_nobody_reads_the_bucket_but_the_distribution_and_the_record_is_no_page(deployed: Deployed) -> None:
    anonymous = deployed.client("s3", config=Config(signature_version=UNSIGNED, proxies={}))
    with pytest.raises(ClientError, match=r"403|AccessDenied"):
        anonymous.get_object(Bucket=deployed.outputs["DeskBucket"], Key="site/index.html")
    for path in ("/published.json", "/../published.json", "/site/index.html"):
        assert fetch(deployed, path)[0] == 403


def test_a_deployment_repeated_keeps_assets_that_it_did_not_write(deployed: Deployed) -> None:
    s3, bucket = deployed.client("s3"), deployed.outputs["DeskBucket"]
    record = json.loads(s3.get_object(Bucket=bucket, Key="published.json")["Body"].read())
    listed = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert listed == {"published.json", *(f"site/{name}" for name in record["files"])}
    assert set(record["files"].values()) == {None}
