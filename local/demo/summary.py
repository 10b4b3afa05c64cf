"""What is left when the demo has ended: what was shown, and what to try."""

from local.demo.context import Stage
from local.demo.model import Lesson
from local.demo.watch import Found


def text(stage: Stage, lesson: Lesson, found: Found, seconds: float) -> str:
    """The last lines."""
    shown = (
        f"a model with {lesson.lift / lesson.best_lift:.0%} of the lift that the truth reaches;\n"
        f"a drift caught in {found.caught.name}, after {len(found.before)} weeks without one"
    )
    pages = [("the model's card", lesson.card), ("the week's report", found.report)]
    listed = "\n".join(f"  {title:<20}{page}" for title, page in pages)
    return f"""
Shown in {seconds / 60:.1f} minutes: {shown}.

{listed}

It goes on running; its logs are in {stage.stack.folder / "logs"}. Try next:
  .venv/bin/claimwatch files                 the ledger
  .venv/bin/claimwatch quarantine 1          each refused row, with every reason
  .venv/bin/claimwatch referrals motor       the investigators' queue
  .venv/bin/claimwatch models motor          the models and their metrics
  .venv/bin/claimwatch evaluations motor     the weeks that were checked
  .venv/bin/claimwatch infer FILE            a draft contract for a file of yours
  make mlflow                                the training, as MLflow recorded it
  make down                                  end it all"""
