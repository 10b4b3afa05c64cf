"""Command line of the pipeline's steps: `python -m release COMMAND`; the buildspecs call it."""

import sys

import typer

from release.analysis.command import analysis
from release.configuration import configure
from release.credentials import print_credentials
from release.desk import check_desk, desk
from release.errors import ReleaseRefused
from release.experiments import request_experiments
from release.migrations import check_migrations
from release.previous_release import check_previous_release
from release.promote import promote_model
from release.recorded_migrations import record_release
from release.review import review
from release.train import train_model
from release.tree import print_tree
from release.version import print_version

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What the steps of the pipeline run.")
# One line for each command, in the order of the stages.
app.command("version")(print_version)
app.command("tree")(print_tree)
app.command("configure")(configure)
app.command("record")(record_release)
app.command("migrations")(check_migrations)
app.command("test-previous-release")(check_previous_release)
app.command("desk")(desk)
app.command("check-desk")(check_desk)
app.command("credentials")(print_credentials)
app.command("analysis")(analysis)
app.command("review")(review)
app.command("experiments")(request_experiments)
app.command("train")(train_model)
app.command("promote")(promote_model)


def main() -> int:
    """Run one command; return 1 with a sentence on standard error if it refuses its input."""
    try:
        return int(app(standalone_mode=False) or 0)
    except ReleaseRefused as refused:
        print(f"release: {refused}", file=sys.stderr)
        return 1
    except typer.TyperException as error:
        print(f"release: {error}; see python -m release --help", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
