"""Patches for EC2. Each removes one of these differences from AWS.

- RunInstances ignores launch templates and client tokens, and IAM ignores the template and the tags of an
  instance.
- EventBridge has no events for started and terminated instances.
"""

import inspect
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from ministack.core import iam_actions
from ministack.services import ec2, eventbridge, tagging

type Answer = tuple[int, dict[str, str], bytes]


def support_launch_templates() -> None:
    """Make RunInstances take defaults from its launch template, and run once for each ClientToken."""
    run: Callable[[dict[str, Any]], Answer] = ec2._ACTION_MAP["RunInstances"]
    resource_of: Callable[..., str] = iam_actions.extract_resource_arn
    tags_of: Callable[..., dict[str, str] | None] = tagging.resource_tags
    started: dict[str, Answer] = {}
    if "service" not in inspect.signature(resource_of).parameters or run is not ec2._run_instances:
        raise SystemExit("ministack's RunInstances has changed: see local/emulator_server")

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
        raise SystemExit("ministack's PutEvents has changed: see local/emulator_server")

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
