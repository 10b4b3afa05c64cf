"""Parameters of Systems Manager that hold secrets: the database's logins, one for each task, and a key."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from typing import Any

from claimwatch.aws.clients import client
from claimwatch.aws.faults import aws_faults
from claimwatch.errors import TransientFault

MOST_AT_ONCE = 10
"""Parameters that one call can delete."""


def read_login(name: str) -> dict[str, Any]:
    """Return the credentials in a parameter; raises ``TransientFault`` until a deployment has stored them."""
    ssm = client("ssm")
    with aws_faults("Parameter Store"):
        try:
            answer = ssm.get_parameter(Name=name, WithDecryption=True)
        except ssm.exceptions.ParameterNotFound:
            raise TransientFault(f"parameter {name} does not exist: the deployment creates it") from None
    credentials: dict[str, Any] = json.loads(answer["Parameter"]["Value"])
    return credentials


class Parameters:
    """Values of parameters, read by one call; ``client`` is that of Systems Manager."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, names: Sequence[str]) -> dict[str, str]:
        """Return the values of those of at most ten parameters that exist."""
        with aws_faults("Parameter Store"):
            answer = self._client.get_parameters(Names=list(names), WithDecryption=True)
        return {found["Name"]: found["Value"] for found in answer["Parameters"]}


class KeyParameter:
    """A parameter that holds a key for functions without a database."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ssm = client("ssm")

    def read(self) -> bytes:
        """Return the key; raises ``TransientFault`` until a deployment has stored it."""
        with aws_faults("Parameter Store"):
            try:
                answer = self._ssm.get_parameter(Name=self._name, WithDecryption=True)
            except self._ssm.exceptions.ParameterNotFound:
                raise TransientFault(
                    f"parameter {self._name} does not exist: the deployment creates it"
                ) from None
        return bytes.fromhex(answer["Parameter"]["Value"])

    def put(self, key: bytes) -> None:
        """Store the key, encrypted."""
        with aws_faults("Parameter Store"):
            self._ssm.put_parameter(
                Name=self._name,
                Description="Claimwatch - key of draws among equal scores. Each deployment stores it.",
                Value=key.hex(),
                Type="SecureString",
                Overwrite=True,
            )

    def delete(self) -> None:
        """Delete the key; a missing one is ignored."""
        with aws_faults("Parameter Store"):
            self._ssm.delete_parameters(Names=[self._name])


class LoginParameters:
    """The parameters of a stack, named by task below a prefix."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._ssm = client("ssm")

    def put(self, task: str, credentials: Mapping[str, Any]) -> None:
        """Store the credentials of a task's login, encrypted, in place of earlier ones."""
        with aws_faults("Parameter Store"):
            self._ssm.put_parameter(
                Name=self._name(task),
                Description=f"Claimwatch - login of the task {task}. Each deployment replaces it.",
                Value=json.dumps(credentials),
                Type="SecureString",
                Overwrite=True,
            )

    def delete(self, tasks: Iterable[str]) -> None:
        """Delete the credentials of tasks; missing ones are ignored."""
        for names in batched(map(self._name, tasks), MOST_AT_ONCE, strict=False):
            with aws_faults("Parameter Store"):
                self._ssm.delete_parameters(Names=list(names))

    def _name(self, task: str) -> str:
        return f"{self._prefix}/{task}"
