"""AWS errors that a retry may cure become ``TransientFault``; other errors stay what they are."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from claimwatch.aws.faults import aws_faults
from claimwatch.aws.objects import ObjectMissing, ObjectRef, S3Objects
from claimwatch.aws.training_instances import Ec2TrainingInstances
from claimwatch.errors import TransientFault


def client_error(code: str, status: int = 400, message: str = "text") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Operation",
    )


class Failing:
    """A client whose every call raises an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> Any:
            raise self._error

        return call


RETRYABLE = [
    EndpointConnectionError(endpoint_url="https://x"),
    ReadTimeoutError(endpoint_url="https://x"),
    client_error("InternalFailure", 500),
    client_error("Anything", 503),
    client_error("ThrottlingException"),
    client_error("Throttling"),
    client_error("RequestThrottled", 403),
    client_error("SlowDown"),
    client_error("RequestLimitExceeded"),
    client_error("ExecutionLimitExceeded"),
    client_error("TooManyRequestsException", 429),
    client_error("ConditionalRequestConflict", 409),
]


@pytest.mark.parametrize("error", RETRYABLE, ids=str)
def test_an_error_that_a_retry_may_cure_is_a_transient_fault_of_the_service(error: Exception) -> None:
    with pytest.raises(TransientFault, match="SQS did not answer") as raised, aws_faults("SQS"):
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        client_error("AccessDenied", 403),
        client_error("ValidationException"),
        client_error("ResourceNotFoundException"),
        TransientFault("raised by the work itself"),
        KeyError("a bug"),
    ],
    ids=str,
)
def test_any_other_error_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, aws_faults("SQS"):
        raise error
    assert raised.value is error


def test_a_call_without_an_error_passes() -> None:
    with aws_faults("SQS"):
        answer = 1
    assert answer == 1


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion", "404", "NoSuchBucket", "MethodNotAllowed"])
def test_a_missing_object_is_reported_as_missing(code: str) -> None:
    objects = S3Objects(Failing(client_error(code, 404)))  # type: ignore[arg-type]
    ref = ObjectRef("bucket", "key", "v1")
    for call in (
        lambda: objects.size(ref),
        lambda: list(objects.read(ref)),
        lambda: objects.newest("bucket", "key"),
    ):
        with pytest.raises(ObjectMissing, match="s3://bucket "):
            call()


def test_a_read_beyond_the_end_of_an_object_yields_nothing() -> None:
    objects = S3Objects(Failing(client_error("InvalidRange", 416)))  # type: ignore[arg-type]
    assert list(objects.read(ObjectRef("bucket", "key", "v1"), 10)) == []


@pytest.mark.parametrize("error", [*RETRYABLE, ConnectionResetError("reset")], ids=str)
def test_an_interrupted_read_is_a_transient_fault(error: Exception) -> None:
    objects = S3Objects(Failing(error))  # type: ignore[arg-type]
    with pytest.raises(TransientFault, match=r"s3://bucket[ ,]"):
        list(objects.read(ObjectRef("bucket", "key", "v1")))
    with pytest.raises(TransientFault, match=r"s3://bucket[ ,]"):
        objects.newest("bucket", "key")


PERSONAL_KEY = "claims/motor/Erika-Mustermann.csv"


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url=f"https://bucket.s3/{PERSONAL_KEY}"),
        ReadTimeoutError(endpoint_url=f"https://bucket.s3/{PERSONAL_KEY}"),
        client_error("AccessDenied", 403, f"not authorized to perform: s3:GetObject on {PERSONAL_KEY}"),
        client_error("NoSuchKey", 404, PERSONAL_KEY),
        client_error("SlowDown", 503, PERSONAL_KEY),
        client_error("InvalidObjectState", 403, PERSONAL_KEY),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_error_of_an_object_names_its_key(error: Exception) -> None:
    """Errors end up in logs, traces and states; a key may contain personal data."""
    objects = S3Objects(Failing(error))  # type: ignore[arg-type]
    ref = ObjectRef("bucket", PERSONAL_KEY, "v1")
    for call in (
        lambda: objects.size(ref),
        lambda: list(objects.read(ref)),
        lambda: objects.newest("bucket", PERSONAL_KEY),
        lambda: objects.write("bucket", PERSONAL_KEY, [b"1"]),
    ):
        with pytest.raises(Exception) as raised:  # noqa: PT011 - of any class
            call()
        assert "Mustermann" not in str(raised.value)


def test_denied_access_to_an_object_is_a_bug() -> None:
    objects = S3Objects(Failing(client_error("AccessDenied", 403)))  # type: ignore[arg-type]
    with pytest.raises(ClientError):
        objects.exists("bucket", "key")


def test_a_missing_instance_counts_as_terminated() -> None:
    Ec2TrainingInstances(Failing(client_error("InvalidInstanceID.NotFound")), "template").end("i-1")
