"""The `claimwatch` command line: its commands, and the exit code of each kind of error."""

from typing import Any

import typer
from typer.core import TyperGroup

from claimwatch.errors import RefusedData, RefusedDefinition, TransientFault
from cli import (
    audit,
    calls,
    contracts,
    deploy,
    evaluation,
    files,
    images,
    model_lists,
    models,
    permissions,
    source_lists,
    sources,
    stream,
)
from cli.card import card
from cli.options import json_asked, stack_finder
from cli.referrals import referrals
from cli.screen import say, show_json
from cli.stack import StackUnreachable

REFUSED = 1
UNREACHABLE = 3


class Commands(TyperGroup):
    """Commands whose errors end in a sentence and an exit code, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:  # typer does not export the type of its context
        try:
            return super().invoke(ctx)
        except RefusedDefinition as refusal:
            problems, code = refusal.problems, REFUSED
        except RefusedData as refusal:
            problems, code = [str(refusal)], REFUSED
        except OSError as error:
            if error.filename is None:
                raise
            reason = (error.strerror or type(error).__name__).lower()
            problems, code = [f"{error.filename} cannot be used: {reason}; choose another file"], REFUSED
        except (StackUnreachable, TransientFault) as fault:
            problems, code = [str(fault)], UNREACHABLE
        for problem in problems:
            say(problem, "red")
        if json_asked(ctx):
            show_json({"error": "; ".join(problems), "problems": problems})
        raise typer.Exit(code)


app = typer.Typer(
    name="claimwatch",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print the values of variables, which hold claims
    rich_markup_mode="rich",
    epilog="Exit codes: 0 success; 1 refused or not found, with a sentence that says what to do;"
    " 2 wrong usage; 3 the stack cannot be reached.\n\n"
    "Choosing the stack: --stack NAME (or CLAIMWATCH_STACK) names a CloudFormation stack in the account and"
    " region that the AWS command line would use. Without it, the stack that `make up` left running in this"
    " folder or a parent folder is used, otherwise the CloudFormation stack 'claimwatch'. To reach a database"
    " in a private network, forward a port to it and set CLAIMWATCH_DATABASE=host:port.",
)
app.add_typer(contracts.app, name="contract", help="Check a contract, or apply it to a line.")
app.add_typer(calls.app, name="call", help="Call the API as another system would, to try it.")
app.add_typer(audit.app, name="audit", help="See who accessed what and why, and verify that record.")
app.add_typer(stream.app, name="stream", help="Send claims to the stream, or those again that fit no line.")
app.add_typer(deploy.app, name="deploy", help="See which release runs where, and bring back the one before.")
app.add_typer(sources.app, name="source", help="Pull claims from a server of the company, at intervals.")
app.command("infer")(contracts.infer)
app.command("drop")(files.drop)
app.command("files")(files.files)
app.command("quarantine")(files.quarantine)
app.command("replay")(files.replay)
app.command("protect-extra")(contracts.protect)
app.command("sources")(source_lists.sources)
app.command("image")(images.image)
app.command("images")(images.images)
app.command("train")(models.train)
app.command("models")(model_lists.models)
app.command("card")(card)
app.command("promote")(models.promote)
app.command("approve")(models.approve)
app.command("rollback")(models.rollback)
app.command("history")(model_lists.history)
app.command("score")(models.score)
app.command("referrals")(referrals)
app.command("evaluate")(evaluation.evaluate)
app.command("evaluations")(evaluation.evaluations)
app.command("report")(evaluation.report)
app.command("grant")(permissions.grant)
app.command("revoke")(permissions.revoke)
app.command("permissions")(permissions.permissions)


@app.callback()
def claimwatch(ctx: typer.Context) -> None:
    """Load claim files and photos, see what was refused and why, train models, and read the weekly checks."""
    ctx.obj = ctx.obj or stack_finder
