"""Requests to the deployed API: of people with tokens, and of machines with signatures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from local.emulator import REGION
from local.people import create_user
from tests.deployed import Deployed
from tests.sign_in import request, sign_in

PURPOSE = {"x-purpose": "testing"}
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Answer:
    """A status and a document; ``code`` is that of a problem document of a function."""

    status: int
    document: dict[str, Any]

    @property
    def code(self) -> str | None:
        """The code of the problem; None if API Gateway answered, or if there is no problem."""
        return self.document.get("code")


@dataclass(frozen=True)
class Doors:
    """The API of a deployed stack."""

    deployed: Deployed

    def send(
        self, method: str, path: str, headers: Mapping[str, str] = NOTHING, body: str | None = None
    ) -> Answer:
        """Send a request as it is."""
        host = {"Host": urlsplit(self.deployed.outputs["ApiUrl"]).netloc}
        status, _, content = request(
            self.deployed.stack.endpoint_url, method, path, body, {**host, **headers}
        )
        try:
            document = json.loads(content)
        except ValueError:
            document = {}
        return Answer(status, document)

    def with_token(self, token: str, path: str, headers: Mapping[str, str] = PURPOSE) -> Answer:
        """Send a request of a person."""
        return self.send("GET", path, {"Authorization": f"Bearer {token}", **headers})

    def signed(
        self,
        session: boto3.Session,
        method: str,
        path: str,
        body: str | None = None,
        headers: Mapping[str, str] = PURPOSE,
    ) -> Answer:
        """Send a request of a machine."""
        return self.send(method, path, self.signature(session, method, path, body, headers), body)

    def signature(
        self,
        session: boto3.Session,
        method: str,
        path: str,
        body: str | None = None,
        headers: Mapping[str, str] = PURPOSE,
    ) -> dict[str, str]:
        """Return the headers of a signed request."""
        host = urlsplit(self.deployed.outputs["ApiUrl"]).netloc
        given = {"Host": host, "content-type": "application/json", **headers}
        prepared = AWSRequest(method, f"http://{host}{path}", headers=given, data=body or "")
        credentials = session.get_credentials()
        assert credentials is not None
        SigV4Auth(credentials, "execute-api", REGION).add_auth(prepared)
        return dict(prepared.headers.items())

    def person(self, name: str, *groups: str) -> str:
        """Create a person with groups, and return an access token."""
        pool, client = (self.deployed.outputs[key] for key in ("UserPoolId", "UserPoolClientId"))
        user = create_user(self.deployed.client("cognito-idp"), pool, name, *groups)
        tokens = sign_in(self.deployed.stack.endpoint_url, client, user.name, user.password)
        token: str = tokens["access_token"]
        return token

    def machine(self, name: str, output: str | None, **tags: str) -> boto3.Session:
        """Create an identity with the policy of an output, and return its credentials."""
        iam = self.deployed.client("iam")
        own = [{"Key": f"claimwatch-{key}", "Value": value} for key, value in tags.items()]
        iam.create_user(UserName=name, Tags=own)
        if output:
            iam.attach_user_policy(UserName=name, PolicyArn=self.deployed.outputs[output])
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return boto3.Session(
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            region_name=REGION,
        )
