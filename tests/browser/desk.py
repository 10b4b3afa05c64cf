"""The desk as a person sees it: a page of Chromium, what it asked for, and what axe-core finds on it."""

import os
import re
import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserType, Page, Request, expect

from local.people import User
from tests.cluster import PROJECT

AXE = PROJECT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""The rules that axe-core applies."""

UNDO = 16_000
"""Milliseconds for which a decision can be taken back, and a little more."""

FAILED_REQUEST = "Failed to load resource"
"""How Chromium begins its message about an answer with an error status, which the page may well expect."""


@dataclass
class Desk:
    """A page of one person. Everything it asks for, and every error it reports, is kept."""

    page: Page
    address: str
    sign_in: str
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen to requests and errors."""
        self.page.on("request", self._keep)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda message: (
                self.errors.append(message.text)
                if message.type == "error" and not message.text.startswith(FAILED_REQUEST)
                else None
            ),
        )

    def enter(self, user: User, hash_: str = "#/") -> None:
        """Open the desk and sign in on the page of the user pool, with the keyboard."""
        self.page.goto(f"{self.address}{hash_}")
        expect(self.page.get_by_label("Username")).to_be_focused()
        self.page.keyboard.type(user.name)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(user.password)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("banner")).to_be_visible(timeout=30_000)

    def show(self, hash_: str) -> None:
        """Go to a screen by its address, in the page that is open, and wait for its heading."""
        self.page.evaluate("hash => { location.hash = hash }", hash_)
        self.page.wait_for_function("hash => location.hash.startsWith(hash)", arg=hash_)
        self.settle()

    def settle(self) -> None:
        """Wait until the screen has its heading, and every part of it what it asked for."""
        expect(self.page.get_by_role("heading", level=1)).to_be_visible(timeout=30_000)
        # Once more after a moment: a part that has arrived may ask for others.
        for _ in range(2):
            expect(self.page.get_by_text("Loading …")).to_have_count(0, timeout=30_000)
            self.page.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 60))")

    @property
    def heading(self) -> str:
        """The heading of the screen: on a case, the id of its claim."""
        return self.page.get_by_role("heading", level=1).inner_text()

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def take(self, case_id: str) -> str:
        """Open a case by its address and take it; return the id of its claim."""
        self.show(f"#/case/{case_id}")
        expect(self.page.get_by_role("button", name=re.compile("^Take this case"))).to_be_visible()
        self.press("c")
        expect(self.page.get_by_role("form", name="Decision")).to_be_visible()
        return self.heading

    def next_case(self, after: str = "") -> str:
        """Wait for a case other than the one before; return the id of its claim."""
        expect(self.page.get_by_role("form", name="Decision")).to_be_visible(timeout=20_000)
        if after:
            expect(self.page.get_by_role("heading", level=1)).not_to_have_text(after, timeout=20_000)
        return self.heading

    def foreign_origins(self) -> set[str]:
        """Return the origins that the page asked, except for its own and that of the sign-in."""
        origins = {"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in self.asked}
        return origins - {self.address.rstrip("/"), self.sign_in, "blob://", "data://"}

    def findings(self) -> list[str]:
        """Return what axe-core finds on the screen as it is now: rule and element."""
        self.page.evaluate(_axe())
        found = self.page.evaluate(
            "tags => axe.run(document, { runOnly: { type: 'tag', values: tags } })", TAGS
        )
        return [
            f"{each['id']}: {node['html'][:150]}" for each in found["violations"] for node in each["nodes"]
        ]

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        wider: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return max(0, wider)

    def _keep(self, request: Request) -> None:
        self.asked.append(request.url)


@cache
def _axe() -> str:
    return AXE.read_text("utf-8")


def launch(chromium: BrowserType) -> Browser:
    """Start Debian's Chromium, or the Chrome of another system."""
    # Chromium's sandbox refuses to run as root, as containers often do.
    arguments = ["--no-proxy-server", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return chromium.launch(executable_path=chromium_path(), args=arguments)


def chromium_path() -> Path | None:
    """Return Debian's Chromium, or the Chrome of another system."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    return None
