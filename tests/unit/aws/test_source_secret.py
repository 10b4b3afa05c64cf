"""The secret of a source is read anew each time, and no error has a part of it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from claimwatch.aws import secrets
from claimwatch.aws.secrets import UnusableSecret, source_secret
from claimwatch.errors import TransientFault

NAME = "claimwatch/prod/sources/policy"


class SecretsManager:
    """Secrets Manager with one value, or one error."""

    def __init__(self, value: str | None, error: str | None = None, status: int = 400) -> None:
        self.value = value
        self._error, self._status = error, status

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        assert SecretId == NAME
        if self._error:
            metadata: Any = {"HTTPStatusCode": self._status}
            raise ClientError(
                {"Error": {"Code": self._error, "Message": "x"}, "ResponseMetadata": metadata}, "Get"
            )
        return {} if self.value is None else {"SecretString": self.value}


def serve(monkeypatch: pytest.MonkeyPatch, served: SecretsManager) -> SecretsManager:
    monkeypatch.setattr(secrets, "client", lambda _: served)
    return served


def test_a_changed_password_is_used_by_the_next_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    served = serve(monkeypatch, SecretsManager('{"password": "old"}'))
    assert source_secret(NAME) == {"password": "old"}
    served.value = '{"password": "new"}'
    assert source_secret(NAME) == {"password": "new"}


@pytest.mark.parametrize("value", ['"hunter2"', "hunter2", '["hunter2"]', None])
def test_a_secret_without_fields_is_refused_without_its_value(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    serve(monkeypatch, SecretsManager(value))
    with pytest.raises(UnusableSecret, match="not a JSON object with host") as refused:
        source_secret(NAME)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("ResourceNotFoundException", "does not exist; create it in Secrets Manager"),
        ("AccessDeniedException", "may not be read; name it claimwatch/<stack>/sources/"),
    ],
)
def test_a_secret_that_cannot_be_read_is_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, error: str, reason: str
) -> None:
    serve(monkeypatch, SecretsManager(None, error))
    with pytest.raises(UnusableSecret, match=reason):
        source_secret(NAME)


def test_a_fault_of_the_service_is_passing(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, SecretsManager(None, "InternalServiceError", 500))
    with pytest.raises(TransientFault):
        source_secret(NAME)
