"""Stands in for EC2 on the laptop: runs the user data of the emulator's instances as local processes.

The emulator only records that an instance runs. This process polls for such instances and runs the user data
of their launch template. Each instance has its own folder, a metadata service (IMDSv2) with the credentials
of its instance profile, and a `shutdown` command that terminates the instance through the API. If an instance
is terminated through the API, its process and all descendants are killed.
"""

import argparse
import base64
import contextlib
import http.server
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psutil
from botocore.exceptions import BotoCoreError, ClientError

from local.emulator import REGION, aws_client, laptop_environment
from local.processes import report_progress

POLL_INTERVAL = 0.5
"""Seconds."""

TOKEN_HEADER = "x-aws-ec2-metadata-token"

SHUTDOWN = """\
#!/bin/sh
# Called by the user data as `shutdown -h now` or `shutdown -h +MINUTES`.
for word; do when=$word; done
echo "$when" > "{folder}/shutdown"
"""


class Metadata(http.server.ThreadingHTTPServer):
    """The metadata service of one instance, which requires a token as IMDSv2 does."""

    daemon_threads = True

    def __init__(
        self, instance_id: str, role: str, credentials: dict[str, str], tags: dict[str, str]
    ) -> None:
        super().__init__(("127.0.0.1", 0), MetadataRequest)
        self.token = secrets.token_urlsafe(24)
        self.answers = {
            "/latest/meta-data/instance-id": instance_id,
            "/latest/meta-data/placement/region": REGION,
            "/latest/meta-data/iam/security-credentials/": role,
            f"/latest/meta-data/iam/security-credentials/{role}": json.dumps(credentials),
        } | {f"/latest/meta-data/tags/instance/{name}": value for name, value in tags.items()}

    @property
    def url(self) -> str:
        """The endpoint for the SDKs."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class MetadataRequest(http.server.BaseHTTPRequestHandler):
    """One request to the metadata service."""

    server: Metadata

    def do_PUT(self) -> None:
        """Return a token."""
        self._answer(
            HTTPStatus.OK if self.path == "/latest/api/token" else HTTPStatus.NOT_FOUND, self.server.token
        )

    def do_GET(self) -> None:
        """Return a metadata value."""
        if self.headers.get(TOKEN_HEADER) != self.server.token:
            self._answer(HTTPStatus.UNAUTHORIZED, "")
        elif self.path not in self.server.answers:
            self._answer(HTTPStatus.NOT_FOUND, "")
        else:
            self._answer(HTTPStatus.OK, self.server.answers[self.path])

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing, because paths contain names of roles."""

    def _answer(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(body)))
        self.send_header("x-aws-ec2-metadata-token-ttl-seconds", "21600")
        self.end_headers()
        self.wfile.write(body)


@dataclass
class Instance:
    """A running instance: its process and its metadata service."""

    instance_id: str
    folder: Path
    process: subprocess.Popen[bytes]
    metadata: Metadata

    def powered_off(self) -> bool:
        """Return whether the instance has called `shutdown` and the given time has passed."""
        file = self.folder / "shutdown"
        try:
            when, asked_at = file.read_text().strip(), file.stat().st_mtime
        except FileNotFoundError:
            return False
        minutes = float(when.removeprefix("+")) if when.startswith("+") else 0.0
        return time.time() >= asked_at + 60 * minutes

    def stop(self) -> None:
        """Kill the process of the instance with all its descendants."""
        with contextlib.suppress(psutil.NoSuchProcess):
            tree = psutil.Process(self.process.pid).children(recursive=True)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            for process in tree:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self.process.wait()
        self.metadata.shutdown()
        self.metadata.server_close()


@dataclass
class Instances:
    """The running instances of an emulator; each has a subfolder of `folder`."""

    endpoint_url: str
    folder: Path
    running: dict[str, Instance] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    @cached_property
    def _ec2(self) -> Any:
        """The EC2 client, created once because that takes longer than a request."""
        return aws_client("ec2", self.endpoint_url)

    def poll(self) -> None:
        """Start new instances; stop instances that have powered off or were terminated through the API."""
        running_states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        found = {
            instance["InstanceId"]: instance
            for page in self._ec2.get_paginator("describe_instances").paginate(Filters=running_states)
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        }
        for instance_id in [name for name in self.running if name not in found]:
            self.running.pop(instance_id).stop()
        for instance_id, described in found.items():
            if instance_id not in self.seen:
                self.seen.add(instance_id)
                self._start(instance_id, described)
        for instance_id in [name for name, instance in self.running.items() if instance.powered_off()]:
            self.running.pop(instance_id).stop()
            self._ec2.terminate_instances(InstanceIds=[instance_id])

    def stop(self) -> None:
        """Stop all instances."""
        while self.running:
            self.running.popitem()[1].stop()

    def _start(self, instance_id: str, described: dict[str, Any]) -> None:
        tags = {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}
        script = self._user_data(tags)
        profile = described.get("IamInstanceProfile", {}).get("Arn")
        if script is None or profile is None:
            report_progress(f"{instance_id} has no user data or no instance profile; nothing is run")
            return
        role, credentials = self._credentials(profile)
        visible = {name: value for name, value in tags.items() if not name.startswith("aws:")}
        metadata = Metadata(instance_id, role, credentials, visible)
        threading.Thread(target=metadata.serve_forever, daemon=True).start()
        folder = self.folder / instance_id
        tools = folder / "bin"
        tools.mkdir(parents=True)
        shutdown = tools / "shutdown"
        shutdown.write_text(SHUTDOWN.format(folder=folder))
        shutdown.chmod(0o755)
        (folder / "user-data").write_text(script)
        report_progress(f"{instance_id} runs in {folder}")
        with (folder / "output.log").open("ab") as output:
            process = subprocess.Popen(
                ["/bin/bash", str(folder / "user-data")],
                cwd=folder,
                env=self._environment(folder, metadata.url),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.running[instance_id] = Instance(instance_id, folder, process, metadata)

    def _user_data(self, tags: dict[str, str]) -> str | None:
        """Return the user data of the launch template, in the version that started the instance."""
        template = tags.get("aws:ec2launchtemplate:id")
        if template is None:
            return None
        (version,) = self._ec2.describe_launch_template_versions(
            LaunchTemplateId=template, Versions=[tags["aws:ec2launchtemplate:version"]]
        )["LaunchTemplateVersions"]
        encoded = version["LaunchTemplateData"].get("UserData")
        return None if encoded is None else base64.b64decode(encoded).decode()

    def _credentials(self, profile: str) -> tuple[str, dict[str, str]]:
        """Return the role of the instance profile, and credentials in the format of the metadata service."""
        iam = aws_client("iam", self.endpoint_url)
        (role,) = iam.get_instance_profile(InstanceProfileName=profile.rsplit("/", 1)[-1])["InstanceProfile"][
            "Roles"
        ]
        credentials = aws_client("sts", self.endpoint_url).assume_role(
            RoleArn=role["Arn"], RoleSessionName="instance", DurationSeconds=3600
        )["Credentials"]
        return role["RoleName"], {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "LastUpdated": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "AccessKeyId": credentials["AccessKeyId"],
            "SecretAccessKey": credentials["SecretAccessKey"],
            "Token": credentials["SessionToken"],
            "Expiration": f"{credentials['Expiration']:%Y-%m-%dT%H:%M:%SZ}",
        }

    def _environment(self, folder: Path, metadata_url: str) -> dict[str, str]:
        """Return the environment of an instance, whose only credentials come from its metadata service."""
        environment = laptop_environment(self.endpoint_url)
        omitted = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED", "PYTHONPATH")
        path = (str(folder / "bin"), str(Path(sys.executable).parent), environment["PATH"])
        return {name: value for name, value in environment.items() if name not in omitted} | {
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata_url,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "PATH": os.pathsep.join(path),
        }


def main() -> int:
    """Run the instances of an emulator until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("endpoint_url")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    stop_requested = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_requested.set())
    instances = Instances(options.endpoint_url, options.folder)
    try:
        while not stop_requested.wait(POLL_INTERVAL):
            try:
                instances.poll()
            except (BotoCoreError, ClientError, OSError) as error:
                # The emulator may be busy; instances continue to run.
                report_progress(f"could not poll the instances: {type(error).__name__}: {error}")
    finally:
        instances.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
