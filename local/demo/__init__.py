"""The demo: runs sample claims through the whole application, step by step, and shows the results."""

import time

from rich.console import Console
from rich.panel import Panel

from local.demo import desk, files, model, online, photos, pull, stream, summary, watch
from local.demo.book import MotorBook
from local.demo.context import DemoContext, DemoFailed
from local.processes import report_progress
from local.stack import LaptopStack

SEARCH_MINUTES = "0.5"
"""Time limit of the parameter search in a training; the template's default is six times as long."""


def show(stack: LaptopStack) -> int:
    """Bring the stack up and run every step; return 1 as soon as a result is not as expected."""
    started = time.monotonic()
    demo = DemoContext(stack, Console(width=min(Console().width, 100)))
    try:
        demo.prepare()
        stack.up(TrainingSearchMinutes=SEARCH_MINUTES)
        book = MotorBook.below(demo.folder)
        files.run(demo, book)
        photos.run(demo, book)
        trained = model.run(demo, book)
        online.run(demo, book)
        decided = desk.run(demo, book)
        streamed = stream.run(demo, book)
        pulled = pull.run(demo, book)
        detection = watch.run(demo, book)
    except DemoFailed as failure:
        demo.out.print(Panel(str(failure), title="The demo failed", border_style="red", expand=False))
        report_progress(f"Logs are in {stack.folder / 'logs'}; `make down` stops the stack.")
        return 1
    demo.out.print(
        summary.text(demo, trained, decided, streamed, pulled, detection, time.monotonic() - started),
        soft_wrap=True,
        highlight=False,
    )
    return 0
