"""Commands about releases: what runs where, and the way back to the release before."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from claimwatch.errors import RefusedData
from claimwatch.models.request_texts import check_reason
from cli.options import AsJson, StackName
from cli.releases import PRODUCTION, DeployedRelease, Pipeline, Releases
from cli.screen import counted, say, show, show_json, show_table
from cli.stack import find_clients

app = typer.Typer(no_args_is_help=True)

PipelineName = Annotated[
    str,
    typer.Option("--pipeline", envvar="CLAIMWATCH_PIPELINE", metavar="NAME", help="The pipeline."),
]
DEFAULT_PIPELINE = "claimwatch-pipeline"


@app.command()
def status(
    pipeline: PipelineName = DEFAULT_PIPELINE, stack: StackName = None, as_json: AsJson = False
) -> None:
    """Show what the pipeline does, which release each stage runs, and what waits for a person."""
    name, client = find_clients(stack, Path.cwd())
    releases = Releases(client)
    found = releases.pipeline(pipeline)
    stacks = dict(found.stacks) if found else {PRODUCTION: name}
    deployed = [releases.deployed(stage, each) for stage, each in stacks.items()]
    rollbacks = releases.rollbacks(stacks.get(PRODUCTION, name))
    if as_json:
        show_json(
            {
                "pipeline": asdict(found) if found else None,
                "deployed": [asdict(each) for each in deployed],
                "rollbacks": [asdict(each) for each in rollbacks],
            }
        )
        return
    if found is None:
        say(f"There is no pipeline {pipeline} in this account and region.", "yellow")
    else:
        _show_pipeline(found)
    for each in deployed:
        _show_deployed(each)
    if rollbacks:
        show("Rollbacks by hand")
        show_table(
            ("at (UTC)", "what", "by", "why"), [(each.at, each.what, each.by, each.why) for each in rollbacks]
        )


@app.command()
def rollback(
    why: Annotated[str, typer.Option(help="The reason. It is stored with your identity.")],
    pipeline: PipelineName = DEFAULT_PIPELINE,
    to: Annotated[
        str | None,
        typer.Option(metavar="EXECUTION", help="The execution of the release; default: the one before."),
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Bring back the release before in production.

    While traffic shifts to a new version, the shift is stopped and the old version gets all requests again.
    Otherwise the pipeline deploys the release before once more, with a canary of its own.
    """
    check_reason(why)
    name, client = find_clients(stack, Path.cwd())
    releases = Releases(client)
    found = releases.pipeline(pipeline)
    production = found.stacks.get(PRODUCTION, name) if found else name
    shifting = releases.shifting(production) if to is None else []
    execution: str | None = None
    if shifting:
        what = f"stopped {', '.join(shifting)}"
        done = releases.record(production, what, why)
        releases.stop(shifting)
    elif found is None:
        raise RefusedData(
            f"no traffic of stack {production} shifts, and there is no pipeline {pipeline} in this account"
            " and region: name it with --pipeline, or check out the release before and run `make deploy`"
        )
    else:
        target = to or releases.release_before(found).id
        what = f"{found.name}: {PRODUCTION} to {target}"
        done = releases.record(production, what, why)
        execution = releases.roll_back(found, target)
    if as_json:
        show_json(asdict(done) | {"stack": production, "stopped": shifting, "execution": execution})
        return
    if shifting:
        show(f"Stopped {counted(len(shifting), 'deployment')}: the aliases go back to the version before.")
    else:
        show(f"Started execution {execution}, which deploys the release of execution {target} again.")
    say(f"On record: {done.by}, {done.at:%Y-%m-%d %H:%M:%S} UTC, {done.why}", "dim")
    say("`claimwatch deploy status` shows how far it is.", "dim")


def _show_pipeline(pipeline: Pipeline) -> None:
    show(f"Pipeline {pipeline.name}")
    show_table(
        ("execution", "status", "started (UTC)", "trigger", "revision", "brings back"),
        [
            (
                each.id[:8],
                each.status,
                each.started,
                each.trigger,
                each.revision[:12],
                (each.rolls_back_to or "")[:8],
            )
            for each in pipeline.executions
        ],
    )
    show_table(
        ("stage", "execution", "status"),
        [(stage.name, (stage.execution or "")[:8], stage.status or "") for stage in pipeline.stages],
    )
    for approval in pipeline.approvals:
        where = f": {approval.url}" if approval.url else ""
        say(f"Stage {approval.stage} waits for a person to answer {approval.action}{where}", "yellow")


def _show_deployed(release: DeployedRelease) -> None:
    if release.problem is not None:
        say(f"{release.stage}, stack {release.stack}: not known, because {release.problem}", "yellow")
        return
    tree = (release.tree_sha256 or "unknown")[:12]
    show(f"{release.stage}, stack {release.stack}: {release.code_version}, tree {tree}, {release.status}")
    rows: list[tuple[Any, ...]] = [
        (
            alias.name,
            alias.function,
            alias.version,
            ", ".join(f"{version}: {weight:.0%}" for version, weight in alias.weights.items()),
        )
        for alias in release.aliases
    ]
    show_table(("alias", "function", "version", "also to"), rows)
    if release.deployments:
        say(f"Traffic shifts: {', '.join(release.deployments)}", "yellow")
