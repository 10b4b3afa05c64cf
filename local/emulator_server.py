"""Runs ministack with patches for these differences from AWS.

1. The error type of a function is always `Runtime.HandlerError`. Lambda reports the class of the exception,
   which the Retry of the state machine matches.
2. Bucket, queue and topic policies refuse requests without TLS. Here, nothing leaves the loopback interface,
   so requests count as secure, and the policies stay unchanged.
3. A template parameter of type Number becomes text in MaximumConcurrency of an event source mapping, which
   makes the poller fail.
4. An "Object Created" event does not contain the version id of the object.
5. GetObject ignores a range if a version is given.
6. Each worker of a function unpacks its layers again, which takes seconds; here they are unpacked once.
7. A function can import every package of the emulator's environment; here it has only its layers.
8. RunInstances ignores launch templates and client tokens, and IAM ignores the template and the tags of an
   instance.
9. EventBridge has no events for started and terminated instances.
10. A metric alarm evaluates the data points of all dimensions together.
11. IAM has no condition keys for the namespace of PutMetricData, for the source and the detail-type of
   PutEvents, and for conditional writes to S3.
12. A Map ignores MaxConcurrencyPath and runs all items at once.
13. GetObject and HeadObject answer 404 for a missing object or version to everybody. S3 answers 403 to
    callers that may not list the bucket.
14. A policy compares aws:PrincipalArn with the session instead of its role, and does not replace variables,
   such as ${aws:PrincipalTag/claimwatch-line}, in resources.
15. CloudFormation ignores Object Lock of buckets.
16. Calls of Systems Manager that name several parameters, or the path of some, have no resource, so that
    only a policy for all resources allows them.

Each patch checks the code that it replaces, and the emulator does not start if that code has changed.
"""

import contextlib
import dataclasses
import hashlib
import inspect
import json
import os
import re
import shlex
import shutil
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable
from contextvars import ContextVar
from http import HTTPStatus
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.router import extract_access_key_id
from ministack.services import cloudwatch, ec2, eventbridge, iam, lambda_svc, s3, stepfunctions, tagging
from ministack.services.cloudformation import changesets, engine, handlers, provisioners
from samtranslator.translator import transform as sam

RAISED = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
RAISED_WITH_CLASS = (
    '{"status": "error", "error": str(e), "error_type": type(e).__name__, "trace": traceback.format_exc()}'
)
DIED = "Worker process died"

type Answer = tuple[int, dict[str, str], bytes]


def report_error_classes() -> None:
    """Set errorType to the class of the exception, or to Runtime.ExitError if the worker died."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if RAISED not in script:
        raise SystemExit("ministack's worker script has changed: see local/emulator_server.py")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(RAISED, RAISED_WITH_CLASS)

    last = threading.local()
    invoke: Callable[..., dict[str, Any]] = lambda_runtime.Worker.invoke
    execute: Callable[..., dict[str, Any]] = lambda_svc._execute_function_warm

    def invoke_and_keep_class(worker: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        response = invoke(worker, *args, **kwargs)
        last.error_type = response.get("error_type")
        if response.get("error") == DIED:
            last.error_type = "Runtime.ExitError"
        return response

    def execute_with_class(*args: Any, **kwargs: Any) -> dict[str, Any]:
        last.error_type = None
        result = execute(*args, **kwargs)
        body = result.get("body")
        if result.get("error") and last.error_type and isinstance(body, dict):
            body["errorType"] = last.error_type
        return result

    lambda_runtime.Worker.invoke = invoke_and_keep_class
    lambda_svc._execute_function_warm = execute_with_class


def treat_loopback_as_secure() -> None:
    """Set aws:SecureTransport to true for requests and for deliveries by the emulator itself."""
    pin: Callable[[str, bool], None] = iam_evaluator.pin_request_origin
    origin: ContextVar[tuple[str, bool]] = ContextVar("ministack_request_origin", default=("127.0.0.1", True))
    if iam_evaluator._request_origin.get() != ("127.0.0.1", False) or app.pin_request_origin is not pin:
        raise SystemExit("ministack's request origin has changed: see local/emulator_server.py")
    iam_evaluator._request_origin = origin

    def pin_secure(source_ip: str, _secure_transport: bool) -> None:
        pin(source_ip, True)

    app.pin_request_origin = pin_secure


def convert_concurrency_to_number() -> None:
    """Convert ScalingConfig.MaximumConcurrency to a number."""
    limit: Callable[..., int] = lambda_svc._sqs_esm_concurrency

    def limit_of_number(mapping: dict[str, Any], *args: Any, **kwargs: Any) -> int:
        scaling = {name: int(value) for name, value in (mapping.get("ScalingConfig") or {}).items()}
        return limit({**mapping, "ScalingConfig": scaling}, *args, **kwargs)

    lambda_svc._sqs_esm_concurrency = limit_of_number


def add_object_versions_to_events() -> None:
    """Add detail.object.version-id to the S3 events of versioned buckets."""
    current: ContextVar[str | None] = ContextVar("current_version", default=None)
    fire: Callable[..., None] = s3._fire_s3_event
    dispatch: Callable[..., Any] = eventbridge._dispatch_event
    if "version_id" not in inspect.signature(fire).parameters:
        raise SystemExit("ministack's S3 events have changed: see local/emulator_server.py")

    def fire_with_version(*args: Any, **kwargs: Any) -> None:
        token = current.set(kwargs.get("version_id"))
        try:
            fire(*args, **kwargs)
        finally:
            current.reset(token)

    def dispatch_with_version(event: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        version = current.get()
        if version and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"].setdefault("version-id", version)
            event["Detail"] = json.dumps(detail)
        return dispatch(event, *args, **kwargs)

    s3._fire_s3_event = fire_with_version
    eventbridge._dispatch_event = dispatch_with_version


def support_ranges_of_versions() -> None:
    """Make GetObject with VersionId and Range return that range (206), or 416 if it is beyond the end."""
    get: Callable[..., tuple[int, dict[str, str], bytes]] = s3._get_object

    def get_range(
        bucket: str, key: str, headers: dict[str, str], query: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        wanted = headers.get("range")
        if not wanted or "versionId" not in (query or {}):
            return get(bucket, key, headers, query)
        # The client would compare the checksum of the whole object with the part.
        unchecked = {name: value for name, value in headers.items() if name != "x-amz-checksum-mode"}
        status, answered, body = get(bucket, key, unchecked, query)
        if status != HTTPStatus.OK:
            return status, answered, body
        found = s3._parse_range(wanted, len(body))
        if found is None:
            unsatisfiable = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
            return 416, unsatisfiable, s3._xml_body(s3._range_error_xml(bucket, key))
        start, end = found
        part = body[start : end + 1]
        part_headers = {"Content-Length": str(len(part)), "Content-Range": f"bytes {start}-{end}/{len(body)}"}
        return 206, answered | part_headers, part

    s3._get_object = get_range


class CachedZipFile(zipfile.ZipFile):
    """An archive that is unpacked once if it is large; further copies are hard links to the first."""

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Unpack the archive, or link the files of an identical archive that was unpacked before."""
        if not isinstance(self.filename, str) or os.path.getsize(self.filename) < 1_000_000:
            super().extractall(path, members, pwd)
            return
        with open(self.filename, "rb") as archive:
            name = hashlib.file_digest(archive, "sha256").hexdigest()
        unpacked = Path(tempfile.gettempdir(), "unpacked", name)
        with UNPACKING:
            if not unpacked.exists():
                unfinished = unpacked.with_suffix(".unfinished")
                super().extractall(unfinished)
                unfinished.rename(unpacked)
        shutil.copytree(unpacked, path, copy_function=os.link, dirs_exist_ok=True)


UNPACKING = threading.Lock()


def unpack_layers_once() -> None:
    """Use the cached archive in the module that starts workers, and nowhere else."""
    namespace = dict(vars(zipfile)) | {"ZipFile": CachedZipFile}
    if lambda_runtime.zipfile is not zipfile:
        raise SystemExit("ministack's worker pool has changed: see local/emulator_server.py")
    lambda_runtime.zipfile = SimpleNamespace(**namespace)


def hide_site_packages() -> None:
    """Start Python workers without site-packages, as Lambda does."""
    detect: Callable[[str], tuple[str, str]] = lambda_runtime._detect_runtime_binary
    if detect("python3.13")[0] != sys.executable:
        raise SystemExit("ministack's choice of Python has changed: see local/emulator_server.py")
    alone = Path(tempfile.gettempdir(), "python")
    alone.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -S "$@"\n')
    alone.chmod(0o755)

    def detect_alone(runtime: str) -> tuple[str, str]:
        binary, script = detect(runtime)
        return (str(alone), script) if runtime.startswith("python") else (binary, script)

    lambda_runtime._detect_runtime_binary = detect_alone


def support_launch_templates() -> None:
    """Make RunInstances take defaults from its launch template, and run once for each ClientToken."""
    run: Callable[[dict[str, Any]], Answer] = ec2._ACTION_MAP["RunInstances"]
    resource_of: Callable[..., str] = iam_actions.extract_resource_arn
    tags_of: Callable[..., dict[str, str] | None] = tagging.resource_tags
    started: dict[str, Answer] = {}
    if "service" not in inspect.signature(resource_of).parameters or run is not ec2._run_instances:
        raise SystemExit("ministack's RunInstances has changed: see local/emulator_server.py")

    def run_from_template(parameters: dict[str, Any]) -> Answer:
        token, template_id = (
            ec2._p(parameters, "ClientToken"),
            ec2._p(parameters, "LaunchTemplate.LaunchTemplateId"),
        )
        if token and token in started:
            return started[token]
        template = ec2._launch_templates.get(template_id)
        if template_id and template is None:
            refused: Answer = ec2._error("InvalidLaunchTemplateId.NotFound", f"No {template_id}", 400)
            return refused
        version = template["Versions"][-1] if template else {}
        template_data = version.get("LaunchTemplateData", {})
        profile = template_data.get("IamInstanceProfile", {})
        defaults = {
            "ImageId": template_data.get("ImageId"),
            "InstanceType": template_data.get("InstanceType"),
            "UserData": template_data.get("UserData"),
            "IamInstanceProfile.Arn": profile.get("Arn"),
            "IamInstanceProfile.Name": profile.get("Name"),
        }
        before = set(ec2._instances)
        answer: Answer = run({name: [value] for name, value in defaults.items() if value} | parameters)
        for instance_id in set(ec2._instances) - before:
            if template:
                ec2._tags.setdefault(instance_id, []).extend(
                    [
                        {"Key": "aws:ec2launchtemplate:id", "Value": template_id},
                        {"Key": "aws:ec2launchtemplate:version", "Value": str(version["VersionNumber"])},
                    ]
                )
            publish_instance_state(instance_id, "running")
        if token and answer[0] == HTTPStatus.OK:
            started[token] = answer
        return answer

    def resource_with_template(service: str, *args: Any, **kwargs: Any) -> str:
        found = resource_of(service, *args, **kwargs)
        query = next(
            (
                value
                for value in (*args, *kwargs.values())
                if isinstance(value, dict) and "LaunchTemplate.LaunchTemplateId" in value
            ),
            None,
        )
        if service != "ec2" or found != "*" or query is None:
            return found
        region, account = ec2.get_region(), ec2.get_account_id()
        template_id = ec2._p(query, "LaunchTemplate.LaunchTemplateId")
        return f"arn:aws:ec2:{region}:{account}:launch-template/{template_id}"

    def tags_with_instances(arn: str, *args: Any, **kwargs: Any) -> dict[str, str] | None:
        if ":instance/" not in arn:
            found: dict[str, str] | None = tags_of(arn, *args, **kwargs)
            return found
        return {tag["Key"]: tag["Value"] for tag in ec2._tags.get(arn.rsplit("/", 1)[-1], [])}

    ec2._ACTION_MAP["RunInstances"] = run_from_template
    tagging.resource_tags = tags_with_instances
    iam_actions.extract_resource_arn = resource_with_template


def publish_terminated_instances() -> None:
    """Publish an event when an instance is terminated, as EC2 does."""
    terminate: Callable[[dict[str, Any]], Answer] = ec2._ACTION_MAP["TerminateInstances"]
    if "allow_aws_source" not in inspect.signature(eventbridge._put_events).parameters:
        raise SystemExit("ministack's PutEvents has changed: see local/emulator_server.py")

    def terminate_and_publish(parameters: dict[str, Any]) -> Answer:
        answer = terminate(parameters)
        if answer[0] == HTTPStatus.OK:
            for instance_id in ec2._parse_member_list(parameters, "InstanceId"):
                publish_instance_state(instance_id, "terminated")
        return answer

    ec2._ACTION_MAP["TerminateInstances"] = terminate_and_publish


def publish_instance_state(instance_id: str, state: str) -> None:
    """Publish an "EC2 Instance State-change Notification"."""
    detail = json.dumps({"instance-id": instance_id, "state": state})
    entry = {"Source": "aws.ec2", "DetailType": "EC2 Instance State-change Notification", "Detail": detail}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def evaluate_alarms_by_dimensions() -> None:
    """Make a metric alarm evaluate only data points with its dimensions."""
    evaluate: FunctionType = cloudwatch._evaluate_alarm
    if "for (k_ns, k_mn, _), pts in _metrics.items()" not in inspect.getsource(evaluate):
        raise SystemExit("ministack's alarms have changed: see local/emulator_server.py")

    def evaluate_its_own(alarm: dict[str, Any]) -> None:
        wanted = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
        own = {key: points for key, points in cloudwatch._metrics.items() if key[2] == wanted}
        FunctionType(evaluate.__code__, vars(cloudwatch) | {"_metrics": own})(alarm)

    cloudwatch._evaluate_alarm = evaluate_its_own


def add_condition_keys() -> None:
    """Set the condition keys of PutMetricData, PutEvents and PutObject from the request."""
    context: Callable[..., dict[str, Any]] = iam_actions.request_tag_context
    if "body" not in inspect.signature(context).parameters:
        raise SystemExit("ministack's condition keys have changed: see local/emulator_server.py")

    def context_with_names(
        service: str, action: str, body: bytes, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        found = context(service, action, body, *args, **kwargs)
        if action == "cloudwatch:PutMetricData":
            found = found | {"cloudwatch:namespace": namespace_of(body)}
        if action == "events:PutEvents":
            sources = {entry.get("Source", "") for entry in json.loads(body).get("Entries", [])}
            kinds = {entry.get("DetailType", "") for entry in json.loads(body).get("Entries", [])}
            found = found | {
                "events:source": ", ".join(sorted(sources)),
                "events:detail-type": ", ".join(sorted(kinds)),
            }
        return found

    s3_context: Callable[..., dict[str, Any]] = iam_actions.s3_service_context
    if list(inspect.signature(s3_context).parameters) != ["iam_action", "query_params", "path", "headers"]:
        raise SystemExit("ministack's condition keys have changed: see local/emulator_server.py")

    def s3_context_with_creation(
        action: str, query: dict[str, Any] | None, path: str = "", headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        found = s3_context(action, query, path, headers)
        if action == "s3:PutObject":
            # Beginning a multipart upload and uploading a part create no object.
            creates = not {"uploads", "partNumber"} & set(query or {})
            found = found | {"s3:ObjectCreationOperation": str(creates).lower()}
            if condition := (headers or {}).get("if-none-match"):
                found = found | {"s3:if-none-match": condition}
        return found

    iam_actions.request_tag_context = context_with_names
    iam_actions.s3_service_context = s3_context_with_creation


def namespace_of(body: bytes) -> str:
    """Return the namespace of a request, which is JSON or, from older SDKs, a form."""
    with contextlib.suppress(ValueError):
        return str(json.loads(body).get("Namespace", ""))
    return parse_qs(body.decode("utf-8", "replace")).get("Namespace", [""])[0]


def resolve_principals_and_variables() -> None:
    """Compare aws:PrincipalArn with the role of a session, and replace variables in resources of policies."""
    resolve: Callable[[str, Any], Any] = iam_evaluator._resolve_condition_key
    first_match: Callable[..., Any] = iam_evaluator._first_match
    if list(inspect.signature(first_match).parameters) != ["ctx", "stmts", "effect"]:
        raise SystemExit("ministack's evaluation of policies has changed: see local/emulator_server.py")

    def resolve_role(key: str, context: Any) -> Any:
        if key.lower() != "aws:principalarn" or context.principal_type != "AssumedRole":
            return resolve(key, context)
        name = iam_evaluator._role_name_from_assumed_arn(context.principal_arn)
        role = iam._roles.get_scoped(context.principal_account, None, name)
        return role["Arn"] if role else context.principal_arn

    def replaced(resource: str, context: Any) -> str:
        values = {
            match: resolve_role(match, context) for match in re.findall(r"\$\{([^}*?$][^}]*)\}", resource)
        }
        if None in values.values():
            return ""  # equals no resource: a variable without a value never matches
        for name, value in values.items():
            resource = resource.replace(f"${{{name}}}", str(value))
        return resource

    def first_match_of_replaced(context: Any, statements: list[Any], effect: str) -> Any:
        resolved = [
            dataclasses.replace(
                statement,
                resources=[replaced(resource, context) for resource in statement.resources],
                not_resources=[replaced(resource, context) for resource in statement.not_resources],
            )
            for statement in statements
        ]
        return first_match(context, resolved, effect)

    iam_evaluator._resolve_condition_key = resolve_role
    iam_evaluator._first_match = first_match_of_replaced


def name_resources_of_parameters() -> None:
    """Make the path of parameters the resource of a call, and of several parameters one that is denied."""
    resource_of: Callable[..., str] = iam_actions.extract_resource_arn
    if 'name = _param(body, query_params, "Name")' not in inspect.getsource(iam_actions):
        raise SystemExit("ministack's resources of parameters have changed: see local/emulator_server.py")

    def resource_with_parameters(service: str, *args: Any, **kwargs: Any) -> str:
        found = resource_of(service, *args, **kwargs)
        body = next((value for value in (*args, *kwargs.values()) if isinstance(value, bytes)), b"")
        if service != "ssm" or found != "*" or not body:
            return found
        _, _, headers, _, query, region, account = args
        asked = json.loads(body)
        names = asked.get("Names") or [asked.get("Path")]
        arns = [f"arn:aws:ssm:{region}:{account}:parameter/{name.strip('/')}" for name in names if name]
        action = f"ssm:{headers.get('x-amz-target', '').rpartition('.')[2]}"
        caller = extract_access_key_id(headers, query)
        denied = (
            arn for arn in arns if iam_evaluator.enforce(caller, action, "ssm", region, resource_arn=arn)
        )
        return next(denied, arns[0] if arns else found)

    iam_actions.extract_resource_arn = resource_with_parameters


def read_map_concurrency_by_path() -> None:
    """Limit a Map to the number that its MaxConcurrencyPath selects from the input."""
    run_items: Callable[..., Any] = stepfunctions._run_map_items
    source = inspect.getsource(run_items)
    if "MaxConcurrencyPath" in source or 'state_def.get("MaxConcurrency", 0)' not in source:
        raise SystemExit("ministack's Map has changed: see local/emulator_server.py")

    def run_items_within_limit(
        state: dict[str, Any], state_input: Any, execution: Any, context: dict[str, Any]
    ) -> Any:
        if path := state.get("MaxConcurrencyPath"):
            limit = stepfunctions._resolve_path_or_ctx(path, state_input, context)
            state = state | {"MaxConcurrency": limit}
        return run_items(state, state_input, execution, context)

    stepfunctions._run_map_items = run_items_within_limit


def hide_missing_objects() -> None:
    """Answer 403 instead of 404 for a missing object to callers that may not list the whole bucket."""
    wanted = 'return _error("NoSuchVersion", "The specified version does not exist.", 404'
    if wanted not in inspect.getsource(s3._get_object) or "denied = enforce(" not in inspect.getsource(
        app._enforce_data_plane
    ):
        raise SystemExit("ministack's reads of objects have changed: see local/emulator_server.py")

    def hiding(call: Callable[..., Answer]) -> Callable[..., Answer]:
        def read(
            bucket: str, key: str, headers: dict[str, str] | None = None, query: dict[str, Any] | None = None
        ) -> Answer:
            answer = call(bucket, key, headers or {}, query or {})
            missing = answer[0] == HTTPStatus.NOT_FOUND and s3._ensure_bucket(bucket) is not None
            if not missing or not (headers or {}).get("authorization"):
                return answer
            caller = extract_access_key_id(headers, query)
            denied = iam_evaluator.enforce(
                caller, "s3:ListBucket", "s3", s3.get_region(), resource_arn=f"arn:aws:s3:::{bucket}"
            )
            forbidden: Answer = s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}")
            return forbidden if denied else answer

        return read

    s3._get_object, s3._head_object = hiding(s3._get_object), hiding(s3._head_object)


def lock_objects_of_buckets() -> None:
    """Make CloudFormation pass ObjectLockConfiguration of a bucket to S3, with its days as a number."""
    if list(inspect.signature(s3._put_object_lock_configuration).parameters) != ["bucket_name", "body"]:
        raise SystemExit("ministack's Object Lock has changed: see local/emulator_server.py")

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
        raise SystemExit("ministack's SAM transform has changed: see local/emulator_server.py")

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


if __name__ == "__main__":
    report_error_classes()
    treat_loopback_as_secure()
    convert_concurrency_to_number()
    add_object_versions_to_events()
    hide_missing_objects()
    support_ranges_of_versions()
    unpack_layers_once()
    hide_site_packages()
    support_launch_templates()
    publish_terminated_instances()
    evaluate_alarms_by_dimensions()
    add_condition_keys()
    resolve_principals_and_variables()
    name_resources_of_parameters()
    read_map_concurrency_by_path()
    lock_objects_of_buckets()
    pass_parameters_to_transform()
    app.main()
