"""Score claims by the API, as another system does: python -m samples.score_a_claim URL LINE claims.json."""

import json
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest


def score(api_url: str, line: str, claims: list[dict[str, Any]], purpose: str) -> dict[str, Any]:
    """Return the scores of 1 to 100 claims; the request is signed and says why it is made."""
    session = boto3.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise SystemExit("provide credentials as for the AWS command line")
    headers = {"content-type": "application/json", "x-purpose": purpose}
    url, body = f"{api_url}/v1/lines/{line}/scores", json.dumps({"claims": claims}).encode()
    request = AWSRequest("POST", url, headers=headers, data=body)
    SigV4Auth(credentials, "execute-api", session.region_name).add_auth(request)
    with urlopen(Request(url, body, dict(request.headers)), timeout=30) as answer:  # noqa: S310 - your own URL
        scores: dict[str, Any] = json.load(answer)
    return scores


if __name__ == "__main__":
    api_url, line, path = sys.argv[1:]
    print(json.dumps(score(api_url, line, json.loads(Path(path).read_text("utf-8")), "testing"), indent=2))
