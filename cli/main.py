"""`claimwatch`: the commands, and what each kind of error means to whoever called."""

from typing import Any

import typer
from typer.core import TyperGroup

from claimwatch.errors import RefusedContract, RefusedData, TransientFault
from cli import contracts, evaluation, files, images, models
from cli.options import json_asked, stack_finder
from cli.screen import say, show_json
from cli.stack import StackUnreachable

REFUSED = 1
UNREACHABLE = 3


class Commands(TyperGroup):
    """A group of commands whose errors end in a sentence and an exit code, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:  # typer has a context of its own that it does not export
        try:
            return super().invoke(ctx)
        except RefusedContract as refusal:
            problems, code = refusal.problems, REFUSED
        except RefusedData as refusal:
            problems, code = [str(refusal)], REFUSED
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
    pretty_exceptions_enable=False,  # it would print the values of variables, and they hold claims
    rich_markup_mode="rich",
    epilog="Exit codes: 0 done; 1 refused or not found, and the sentence says what to do; 2 wrong usage;"
    " 3 the stack cannot be reached.\n\n"
    "Where the stack is: --stack NAME (or CLAIMWATCH_STACK) is the CloudFormation stack of that name, in the"
    " account and region that the AWS command line would use. Without it: the stack that `make up` left"
    " running in this folder or above it, else CloudFormation's stack 'claimwatch'. A database in a private"
    " network is reached through a forwarded port with CLAIMWATCH_DATABASE=host:port.",
)
app.add_typer(
    contracts.app, name="contract", help="Check a contract, and put it where a line's contract belongs."
)
app.command("infer")(contracts.infer)
app.command("drop")(files.drop)
app.command("files")(files.files)
app.command("quarantine")(files.quarantine)
app.command("replay")(files.replay)
app.command("image")(images.image)
app.command("images")(images.images)
app.command("train")(models.train)
app.command("models")(models.models)
app.command("promote")(models.promote)
app.command("rollback")(models.rollback)
app.command("history")(models.history)
app.command("score")(models.score)
app.command("referrals")(models.referrals)
app.command("evaluate")(evaluation.evaluate)
app.command("evaluations")(evaluation.evaluations)
app.command("report")(evaluation.report)


@app.callback()
def claimwatch(ctx: typer.Context) -> None:
    """Claim files and photos in, rows in PostgreSQL out: what came, what was refused and why; try again."""
    ctx.obj = ctx.obj or stack_finder
