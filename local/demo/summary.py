"""The summary at the end of the demo: the results, and commands to try next."""

from local.demo.context import DemoContext
from local.demo.desk import DECIDER, Decided, waiting
from local.demo.model import TrainedModel
from local.demo.pull import SOURCE, Pulled
from local.demo.stream import Streamed
from local.demo.watch import Detection


def text(
    demo: DemoContext,
    trained: TrainedModel,
    decided: Decided,
    streamed: Streamed,
    pulled: Pulled,
    detection: Detection,
    seconds: float,
) -> str:
    """Return the closing lines."""
    results = (
        f"a model with {trained.lift / trained.best_lift:.0%} of the best possible lift;\n"
        f"{len(decided.final)} decisions of an investigator, each an outcome now;\n"
        f"{streamed.claims:,} claims of a stream, and {streamed.refused} records that fit no line;\n"
        f"{pulled.rows:,} claims pulled from another database;\n"
        f"a drift detected in {detection.detected.name}, after {len(detection.before)} weeks without drift"
    )
    pages = [("model card", trained.card), ("report of the week", detection.report)]
    listed = "\n".join(f"  {title:<20}{page}" for title, page in pages)
    [person] = [user for user in demo.stack.users if user.name == DECIDER]
    people = "\n".join(f"  {user.name:<8}{user.group:<18}{user.password}" for user in demo.stack.users)
    return f"""
Shown in {seconds / 60:.1f} minutes: {results}.

{listed}

{waiting(demo):,} cases wait at the investigators' desk:
  {demo.stack.desk_url}
  sign in as {person.name}, password {person.password}

People who can sign in to this stack, with the group and the password of each:
{people}

The stack keeps running; its logs are in {demo.stack.folder / "logs"}. Try next:
  .venv/bin/claimwatch files                 the ledger
  .venv/bin/claimwatch quarantine 1          rejected rows, with every reason
  .venv/bin/claimwatch referrals motor       the claims to review: referrals and random audit
  .venv/bin/claimwatch call ready            whether the API can score the claims of each line
  .venv/bin/claimwatch audit verify          whether the record of who asked is as it was written
  .venv/bin/claimwatch sources {SOURCE}      what was pulled from the other database
  .venv/bin/claimwatch models motor          the models and their metrics
  .venv/bin/claimwatch evaluations motor     the checked weeks
  .venv/bin/claimwatch infer FILE            a draft contract for your own file
  make mlflow                                the training, as MLflow recorded it
  make down                                  stop the stack"""
