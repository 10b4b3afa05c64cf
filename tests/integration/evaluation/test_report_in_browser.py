"""Layout of the report in a browser."""

import re
import shutil
import subprocess
from html import escape
from pathlib import Path

import pytest

from claimwatch.evaluation.report.page import report_page
from tests.unit.evaluation import weeks

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

FRAME = """<!doctype html><title></title><iframe srcdoc="{page}" style="width:{width}px;height:900px;border:0"
onload="const page = this.contentDocument.documentElement;
document.title = [page.clientWidth, page.scrollWidth]">
</iframe>"""
"""A frame in a page: a browser window is at least 500 pixels wide, a frame can be narrower."""


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_fits_its_window(tmp_path: Path, width: int) -> None:
    page = report_page(weeks.results(), weeks.PROMISED)
    file = tmp_path / "frame.html"
    file.write_text(FRAME.format(page=escape(page), width=width), "utf-8")
    assert CHROMIUM is not None
    output = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=1400,2000",
            "--dump-dom",
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    found = re.search(r"<title>(\d+),(\d+)</title>", output)
    assert found is not None
    seen, laid_out = int(found[1]), int(found[2])
    assert laid_out <= seen
    assert width - 20 <= seen <= width  # less a scroll bar
