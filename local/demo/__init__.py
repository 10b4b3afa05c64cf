"""The demo: sample claims through the whole application, act by act, and what became of them."""

import time

from rich.console import Console
from rich.panel import Panel

from local.demo import files, model, photos, summary, watch
from local.demo.book import MotorBook
from local.demo.context import DemoFailed, Stage
from local.processes import say
from local.stack import LaptopStack

SEARCH_MINUTES = "0.5"
"""Of a training: what the search for parameters may take. Deployed elsewhere it has six times as long."""


def show(stack: LaptopStack) -> int:
    """Bring the stack up and play every act; 1 as soon as something is not as it should be."""
    began = time.monotonic()
    stage = Stage(stack, Console(width=min(Console().width, 100)))
    try:
        stage.clear()
        stack.up(TrainingSearchMinutes=SEARCH_MINUTES)
        book = MotorBook.below(stage.folder)
        files.play(stage, book)
        photos.play(stage, book)
        lesson = model.play(stage, book)
        found = watch.play(stage, book)
    except DemoFailed as failure:
        stage.out.print(Panel(str(failure), title="The demo failed", border_style="red", expand=False))
        say(f"Logs are in {stack.folder / 'logs'}; `make down` ends what runs.")
        return 1
    stage.out.print(
        summary.text(stage, lesson, found, time.monotonic() - began), soft_wrap=True, highlight=False
    )
    return 0
