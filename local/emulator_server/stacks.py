"""Patches for CloudFormation. Each removes one of these differences from AWS.

- Object Lock of buckets is ignored.
- The SAM transform sees the defaults of parameters, not their values.
"""

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from ministack.services import s3
from ministack.services.cloudformation import changesets, engine, handlers, provisioners
from samtranslator.translator import transform as sam


def lock_objects_of_buckets() -> None:
    """Make CloudFormation pass ObjectLockConfiguration of a bucket to S3, with its days as a number."""
    if list(inspect.signature(s3._put_object_lock_configuration).parameters) != ["bucket_name", "body"]:
        raise SystemExit("ministack's Object Lock has changed: see local/emulator_server")

    def to_xml(configuration: dict[str, Any]) -> bytes:
        retention = configuration["Rule"]["DefaultRetention"]
        return (
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>"
            f"<Mode>{retention['Mode']}</Mode><Days>{int(retention['Days'])}</Days>"
            "</DefaultRetention></Rule></ObjectLockConfiguration>"
        ).encode()

    def put(name: str, body: bytes) -> None:
        status, _, problem = s3._put_object_lock_configuration(name, body)
        if status != HTTPStatus.OK:
            raise ValueError(f"Object Lock of {name} is refused: {problem!r}")

    provisioners._S3_BUCKET_CONFIGURATIONS += (
        ("ObjectLockConfiguration", to_xml, put, s3._bucket_object_lock.pop),
    )


def pass_parameters_to_transform() -> None:
    """Give the SAM transform the values of the parameters: sent, previous or default, in this order."""
    apply: Callable[..., Any] = engine._apply_transforms
    transform: Callable[..., Any] = sam.transform
    values: ContextVar[dict[str, str] | None] = ContextVar("transform_parameters", default=None)
    if "_sam_transform(copy.deepcopy(template), {}, _NO_IAM_POLICY_LOADER)" not in inspect.getsource(apply):
        raise SystemExit("ministack's SAM transform has changed: see local/emulator_server")

    def apply_with_values(template: dict[str, Any], sent: Any = None, previous: Any = None) -> Any:
        token = values.set(engine._transform_parameters(template, sent, previous))
        try:
            return apply(template, sent, previous)
        finally:
            values.reset(token)

    def transform_with_values(template: dict[str, Any], _: dict[str, Any], policies: Any) -> Any:
        return transform(template, dict(values.get() or {}), policies)

    sam.transform = transform_with_values
    handlers._apply_transforms = changesets._apply_transforms = apply_with_values
