"""The rehearsal itself: servers, the stacks of the pipeline, and releases that travel through its stages."""

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import ClientError

from local import servers
from local.emulator import laptop_environment
from local.processes import StartupFailed, report_progress, wait_until
from local.rehearsal.actions import Actions, ApprovalRequest, Decision
from local.rehearsal.artifacts import ArtifactStore
from local.rehearsal.code_pipeline import CodePipeline, Service
from local.rehearsal.pipeline import ActionRun, Execution, Performed, PipelineModel, Stage, read_pipeline
from local.rehearsal.production import Production
from local.rehearsal.repository import Edit, Repository
from local.rehearsal.sessions import Sessions
from local.rehearsal.shifts import AliasWatch
from local.rehearsal.tools import PIPELINE, ToolsStack
from local.rehearsal.traffic import Traffic
from local.servers import RunningServers, Servers
from local.stack import DeployedStack

STAGING, PRODUCTION = "claimwatch-staging", "claimwatch-production"
TOOLS = "claimwatch-pipeline"
FUNCTIONS = ("ScoreClaim", "CaseApi")
"""Functions behind the alias `live`."""

MINUTE = "3"
"""Seconds that a minute of CodeDeploy lasts here."""

RATE = 30.0
"""Requests each second while production is deployed."""

ENOUGH = 1_000
"""Requests that are sent at least, even if production is deployed before."""

LAPTOP = {
    "EvaluationConcurrency": "4",  # a laptop has no memory for ten checks at once
    "SignInMfa": "off",
    "TrainingSearchMinutes": "0.1",
}
"""Parameters of both stages."""

CHECKED = "unit UNIT=tests/unit/models/test_ranking_metrics.py"
"""Targets of the check stage. All targets of `check.yml` take far longer than a rehearsal may."""


@dataclass
class Release:
    """One commit on its way: the execution, what the aliases did, and the requests that ran meanwhile."""

    commit: str
    execution: Execution
    before: Mapping[str, str]
    after: Mapping[str, str] = field(default_factory=dict)
    watches: Mapping[str, AliasWatch] = field(default_factory=dict)
    traffic: Traffic | None = None
    deployed: tuple[float, float] | None = None
    rollback: Execution | None = None

    def published(self, function: str) -> bool:
        """Return whether the alias of a function names another version than before."""
        return self.before.get(function) != self.after.get(function)


class Rehearsal:
    """Everything that a release meets, below one folder; usable as a context manager."""

    def __init__(self, folder: Path) -> None:
        """Prepare without starting anything."""
        self.folder = folder.resolve()
        self.servers = Servers(self.folder / "servers", (STAGING, PRODUCTION))
        self.repository = Repository(self.folder / "repository")
        self.approvals: list[tuple[ApprovalRequest, Decision]] = []
        self.log_path = self.folder / "rehearsal.log"
        self._exits = contextlib.ExitStack()
        self._running: RunningServers | None = None
        self._current: Release | None = None
        self._with_traffic = False
        self.first_model = ""

    def __enter__(self) -> Self:
        """Start the servers, make the stacks of the pipeline, and clone the repository."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log = self._exits.enter_context(self.log_path.open("w", encoding="utf-8"))
        try:
            self._start()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self._exits.close()

    def _start(self) -> None:
        os.environ["CLAIMWATCH_CODE_DEPLOY_MINUTE"] = MINUTE
        # A build has an empty home; the packages that were downloaded once are found all the same.
        os.environ.setdefault("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
        self.code_pipeline = CodePipeline()
        service = self._exits.enter_context(Service(self.code_pipeline))
        os.environ["CLAIMWATCH_CODE_PIPELINE"] = service.url  # the emulator forwards requests
        report_progress("Starting the AWS emulator and two PostgreSQL servers")
        self._exits.callback(self.servers.stop)
        self._running = running = self.servers.start()
        self.sessions = Sessions(running.endpoint_url)
        self.staging = DeployedStack(STAGING, running)
        self.production = Production(DeployedStack(PRODUCTION, running), self.folder / "production")
        self.variables = {
            name: value
            for name, value in laptop_environment(running.endpoint_url).items()
            if name in ("AWS_ENDPOINT_URL", "NO_PROXY", "no_proxy")
        } | {"CHECK_TARGETS": CHECKED}
        report_progress("Cloning the repository, and making the roles and buckets of pipeline.yaml")
        self.repository.clone()
        self._make_tools()
        secrets = {stack: servers.publish_database_secret(running, stack) for stack in (STAGING, PRODUCTION)}
        self.settings: dict[str, Edit] = {
            "samconfig.toml": lambda text: stage_settings(
                text,
                {
                    "staging": {"GradualDeployment": "false", "DatabaseSecretArn": secrets[STAGING]} | LAPTOP,
                    "production": {
                        "GradualDeployment": "true",
                        "TrafficShift": "Canary10Percent5Minutes",
                        "DatabaseSecretArn": secrets[PRODUCTION],
                    }
                    | LAPTOP,
                },
            )
        }

    def _make_tools(self) -> None:
        """Make the stacks of the tools, and read the pipelines from their template."""
        self.tools = ToolsStack.deploy(
            self.repository.folder / "pipeline.yaml",
            TOOLS,
            {
                "Source": "s3",
                "SourceKey": "source.zip",
                "StagingStackName": STAGING,
                "ProductionStackName": PRODUCTION,
            },
            self.sessions.root,
        )
        projects = self.tools.projects()
        for logical_id, properties in self.tools.resources(PIPELINE):
            pipeline = read_pipeline(properties, logical_id)
            location = properties["ArtifactStore"]
            actions = Actions(
                self.sessions,
                ArtifactStore(location["Location"], location.get("EncryptionKey", {}).get("Id")),
                projects,
                self._approve,
                self.variables,
                self.show,
            )
            self.code_pipeline.add(PipelineModel(pipeline, self._performing(actions)))
        self.pipeline = self.code_pipeline.models[TOOLS]

    # -- releases ------------------------------------------------------------------------------------------

    def release(self, message: str, edits: Mapping[str, Edit], *, with_traffic: bool = False) -> Release:
        """Commit a change, hand its archive to the source, and run the pipeline."""
        commit = self.repository.commit(message, edits) if edits else self.repository.head()
        return self.deliver(commit, with_traffic=with_traffic)

    def deliver(self, commit: str, *, with_traffic: bool = False) -> Release:
        """Hand the archive of the last commit to the source, and run the pipeline."""
        source = next(
            action
            for stage in self.pipeline.pipeline.stages
            for action in stage.actions
            if action.category == "Source"
        )
        self.sessions.root("s3").put_object(
            Bucket=source.configuration["S3Bucket"],
            Key=source.configuration["S3ObjectKey"],
            Body=self.repository.archive(),
        )
        release = Release(commit, self.pipeline.start(), self.live_versions())
        known = len(self.pipeline.executions)
        self._current, self._with_traffic = release, with_traffic
        try:
            self.pipeline.run(release.execution)
        finally:
            self._current = None
        rollbacks = [each for each in self.pipeline.executions[known:] if each.target]
        release.rollback = rollbacks[0] if rollbacks else None
        release.after = self.live_versions()
        return release

    def live_versions(self) -> dict[str, str]:
        """Return the versions behind the aliases of production; nothing before the first release."""
        try:
            return {function: self.production.live_version(function) for function in FUNCTIONS}
        except ClientError as error:
            if "does not exist" in str(error):
                return {}
            raise

    def _performing(self, actions: Actions) -> Callable[..., Performed]:
        """Return what performs actions, and watches the aliases while production is deployed."""

        def perform(
            execution: Execution, stage: Stage, run: ActionRun, inputs: Mapping[str, Any]
        ) -> Performed:
            release = self._current
            deploys = run.resolved.get("ActionMode") in ("CHANGE_SET_EXECUTE", "CREATE_UPDATE")
            watched = (
                release is not None
                and release.before
                and deploys
                and run.resolved.get("StackName") == PRODUCTION
                and execution is release.execution
            )
            started = time.monotonic()
            report_progress(f"  {stage.name}/{run.action.name}")
            try:
                if not watched or release is None:
                    return actions(execution, stage, run, inputs)
                with self._watching(release):
                    return actions(execution, stage, run, inputs)
            finally:
                self.show(f"=== {stage.name}/{run.action.name}: {time.monotonic() - started:.1f} s")

        return perform

    @contextlib.contextmanager
    def _watching(self, release: Release) -> Iterator[None]:
        client = self.sessions.root("lambda")
        release.watches = {
            function: AliasWatch(client, self.production.stack.resource(function)) for function in FUNCTIONS
        }
        with contextlib.ExitStack() as stack:
            for watch in release.watches.values():
                stack.enter_context(watch)
            if self._with_traffic:
                release.traffic = Traffic(self.production.caller(), self.production.claims(), RATE)
                stack.enter_context(release.traffic)
            begun = time.time()
            try:
                yield
            finally:
                if release.traffic is not None:
                    sent = release.traffic.sent
                    wait_until(lambda: len(sent) >= ENOUGH, seconds=2 * ENOUGH / RATE)
                release.deployed = (begun, time.time())

    # -- people, permissions, the log ----------------------------------------------------------------------

    def _approve(self, request: ApprovalRequest) -> Decision:
        """Approve as a person would who has read what is shown, and names the columns that it asks for."""
        _, _, asked = request.text.partition("name in the comment: ")
        trusted = re.findall(r'trust=(?:"[^"]+"|[^\s."]+)', asked)
        comment = " ".join(["I have read what is shown.", *trusted])
        decision = Decision(True, "arn:aws:iam::000000000000:user/rehearsal-lead", comment)
        self.approvals.append((request, decision))
        return decision

    def show(self, line: str) -> None:
        """Write a line to the log."""
        self._log.write(f"{time.strftime('%H:%M:%S', time.gmtime())} {line}\n")
        self._log.flush()


def stage_settings(text: str, stages: Mapping[str, Mapping[str, str]]) -> str:
    """Return samconfig.toml with other parameters of stages, as an operator would write them."""
    for stage, parameters in stages.items():
        pairs = ", ".join(json.dumps(f"{name}={value}") for name, value in parameters.items())
        section = re.compile(
            rf"(\[{stage}\.deploy\.parameters\]\n(?:#[^\n]*\n)*)parameter_overrides = \[[^\]]*\]"
        )
        found = section.search(text)
        if found is None:
            raise StartupFailed(f"samconfig.toml has no parameters for {stage}; adapt local/rehearsal")
        text = f"{text[: found.start()]}{found[1]}parameter_overrides = [{pairs}]{text[found.end() :]}"
    return text
