"""Clients of the emulator, with the rights of the roles that act in a pipeline."""

import re
import threading
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from local.emulator import aws_client
from local.rehearsal.pipeline import ActionFailed


@dataclass
class Sessions:
    """Credentials of roles: the pipeline's own by the service's trust, others assumed by the pipeline's role.

    The emulator evaluates trust policies; its own root stands for the principals of AWS's services.
    """

    endpoint_url: str
    _known: dict[tuple[str, str | None], dict[str, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def root(self, service: str, **options: Any) -> Any:
        """Return a client with all rights, for what is no action of the pipeline."""
        return aws_client(service, self.endpoint_url, **options)

    def client(self, service: str, role: str, via: str | None = None) -> Any:
        """Return a client with the rights of a role, which the role `via` assumes, or a service of AWS."""
        return aws_client(service, self.endpoint_url, **self.keys(role, via))

    def keys(self, role: str, via: str | None = None) -> dict[str, str]:
        """Return the credentials of a role as options of boto3; raises `ActionFailed` if it is refused."""
        with self._lock:
            known = self._known.get((role, via))
        if known:
            return known
        sts = self.client("sts", via) if via else self.root("sts")
        try:
            answer = sts.assume_role(RoleArn=role, RoleSessionName="rehearsal")["Credentials"]
        except ClientError as error:
            raise ActionFailed(f"{_name(role)} cannot be assumed by {_name(via or 'AWS')}: {error}") from None
        keys = {
            "aws_access_key_id": answer["AccessKeyId"],
            "aws_secret_access_key": answer["SecretAccessKey"],
            "aws_session_token": answer["SessionToken"],
        }
        with self._lock:
            self._known[role, via] = keys
        return keys

    def require(self, role: str, action: str, resource: str) -> None:
        """Raise `ActionFailed` unless a role may do this; for services that the emulator does not have."""
        answer = self.root("iam").simulate_principal_policy(
            PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource]
        )
        decision = answer["EvaluationResults"][0]["EvalDecision"]
        if decision != "allowed":
            raise ActionFailed(
                f"{_name(role)} may not {action} on {re.sub(r'.*/', '', resource)}: {decision}"
            )


def _name(role: str) -> str:
    return role.rsplit("/", 1)[-1]
