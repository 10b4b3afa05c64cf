"""What production has when releases are rehearsed against it: claims, a champion, a system that asks."""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from botocore.credentials import Credentials

from local import servers
from local.emulator import REGION, laptop_environment
from local.processes import StartupFailed, report_progress, wait_until
from local.rehearsal.traffic import Caller
from local.stack import DeployedStack
from samples import Book, BookConfig, write_week
from samples.delivery import Delivery, deliver

BOOK = BookConfig(seed=5, claims_per_week=400, weeks=24)
SETTLING_WEEKS = 10
"""Most claims of the book are settled, so that their outcomes can be learned from."""

TIMEOUT = 300.0
"""Seconds until a file must be loaded."""

AGENT = "insurer-core"
"""How the system of the insurer names itself."""


class Production:
    """The stack of production, used as its people and systems use it."""

    def __init__(self, stack: DeployedStack, folder: Path) -> None:
        """Prepare; nothing happens before the stack is deployed."""
        self.stack = stack
        self.folder = folder

    def command(self, *words: str) -> dict[str, Any]:
        """Run `claimwatch` and return its output; raises `StartupFailed` with its error if it fails."""
        home = self.folder / "home"
        (home / ".local").mkdir(parents=True, exist_ok=True)
        described = {
            "endpoint_url": self.stack.running.endpoint_url,
            "region": REGION,
            "database_url": self.stack.running.databases[self.stack.name],
            "outputs": self.stack.outputs(),
            "users": [],
        }
        servers.write_atomically(home / ".local" / "stack.json", json.dumps(described))
        done = subprocess.run(
            [str(Path(sys.executable).with_name("claimwatch")), *words, "--json"],
            cwd=home,
            env=laptop_environment(self.stack.running.endpoint_url),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not done.stdout.strip():
            raise StartupFailed(f"claimwatch {' '.join(words)} failed: {done.stdout}{done.stderr}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def load_book(self) -> None:
        """Drop half a year of claims and their outcomes, and wait until they are loaded."""
        folder = self.folder / "book"
        sent = deliver(BOOK, folder, Delivery(settling_weeks=SETTLING_WEEKS), parts=("claims", "outcomes"))
        s3, bucket = self.stack.client("s3"), self.stack.outputs()["LandingBucket"]
        dropped = []
        for part in ("claims", "outcomes"):
            paths = [folder / file.key for file in sent if file.part == part]
            body = _joined(paths)
            dropped.append(s3.put_object(Bucket=bucket, Key=f"{part}/motor/book.csv", Body=body)["VersionId"])

        def loaded() -> bool:
            rows = self.query("SELECT status FROM claimwatch.file WHERE version_id = ANY(%s)", dropped)
            return [status for (status,) in rows] == ["committed", "committed"]

        if not wait_until(loaded, TIMEOUT, every=0.25):
            raise StartupFailed("the claims of the book were not loaded in time")

    def train_first_model(self) -> str:
        """Train a model on an instance and promote it; return its version."""
        started = time.monotonic()
        trained = self.command("train", "motor", "--why", "the first model", "--wait")
        if trained.get("status") != "registered":
            raise StartupFailed(f"the first training ended as {trained}")
        version = str(trained["version"])
        self.command("promote", "motor", version, "--as", "champion", "--why", "I read its card")
        report_progress(f"Model {version} is the champion after {time.monotonic() - started:.0f} s")
        return version

    def claims(self) -> list[dict[str, Any]]:
        """Return claims as the insurer's system sends them."""
        path = self.folder / "week.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_week(path, Book(BookConfig(seed=11, claims_per_week=100)), 0)
        with path.open(encoding="utf-8", newline="") as file:
            return [{name: cell or None for name, cell in row.items()} for row in csv.DictReader(file)]

    def caller(self) -> Caller:
        """Return a system that may ask for scores of line motor, and nothing else."""
        iam, outputs = self.stack.client("iam"), self.stack.outputs()
        name = "insurer-core-system"
        if name not in {user["UserName"] for user in iam.list_users()["Users"]}:
            iam.create_user(UserName=name, Tags=[{"Key": "claimwatch-line", "Value": "motor"}])
            iam.attach_user_policy(UserName=name, PolicyArn=outputs["CallScoresPolicyArn"])
        key = iam.create_access_key(UserName=name)["AccessKey"]
        keys = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        return Caller(outputs["ApiUrl"], self.stack.running.endpoint_url, keys, AGENT)

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query, as the owner of the database."""
        connection = self.stack.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                rows: list[tuple[Any, ...]] = cursor.fetchall()
                return rows
        finally:
            connection.close()

    def champion(self) -> str:
        """Return the version of the champion of line motor, as it is published for the API."""
        name = f"/claimwatch/{self.stack.name}/live/motor"
        value = self.stack.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        return str(json.loads(value)["version"])

    def live_version(self, function: str) -> str:
        """Return the version behind the alias `live` of a function, by its logical id."""
        name = self.stack.resource(function)
        alias = self.stack.client("lambda").get_alias(FunctionName=name, Name="live")
        return str(alias["FunctionVersion"])


def _joined(paths: Sequence[Path]) -> bytes:
    """Join CSV files that have the same header."""
    contents = [path.read_bytes() for path in paths]
    header, _, _ = contents[0].partition(b"\n")
    return header + b"\n" + b"".join(content.partition(b"\n")[2] for content in contents)
