"""Letterheads: what all documents of one sender have in common."""

from dataclasses import dataclass
from functools import cached_property
from random import Random
from unicodedata import normalize

from PIL import Image, ImageDraw

from samples.vocabulary import LAST_NAMES, STREETS, TOWNS_BY_REGION

WIDTH, HEIGHT = 1000, 1414
"""A sheet of A4 at 120 dots per inch."""

KINDS = ("estimate", "invoice", "letter", "form", "certificate")
"""Kinds of documents; a letterhead has one. Each has fewer words of its own than the one before."""

INKS = ("#202020", "#1b2a49", "#5a1a1a", "#174a2c", "#2b2b2b", "#3a2a5a")
_BUSINESSES = ("Motors", "Car Body Repair", "Autoglas", "Garage", "Lackiererei", "Insurance", "Service")
_TITLES = {
    "estimate": ("Repair estimate", "Kostenvoranschlag", "Devis de réparation"),
    "invoice": ("Invoice", "Rechnung", "Facture"),
    "letter": ("Damage report", "Gutachten", "Rapport d'expertise"),
    "form": ("Notice of claim", "Schadenanzeige", "Constat amiable"),
    "certificate": ("Proof of insurance", "Versicherungsbestätigung", "Attestation d'assurance"),
}


def plain(text: str) -> str:
    """Return the text without accents, for which Pillow's font has no signs."""
    return normalize("NFKD", text).encode("ascii", "ignore").decode()


@dataclass(frozen=True)
class Letterhead:
    """A sender's printed sheet; it depends only on the seed and the number."""

    seed: int
    number: int

    def __post_init__(self) -> None:
        draw = Random(f"letterhead/{self.seed}/{self.number}")
        object.__setattr__(self, "kind", KINDS[self.number % len(KINDS)])
        object.__setattr__(self, "ink", draw.choice(INKS))
        object.__setattr__(self, "size", draw.randint(17, 22))
        object.__setattr__(self, "left", draw.randint(60, 110))
        object.__setattr__(self, "head", draw.randint(130, 220))
        object.__setattr__(self, "pitch", draw.randint(28, 40))

    kind: str = ""
    ink: str = ""
    size: int = 0
    """Size of the text."""
    left: int = 0
    """Width of the left margin."""
    head: int = 0
    """Height of the printed head."""
    pitch: int = 0
    """Distance of the lines of a table."""

    @cached_property
    def sheet(self) -> Image.Image:
        """The printed sheet without any entry; copy it before you write on it."""
        draw = Random(f"sheet/{self.seed}/{self.number}")
        image = Image.new("RGB", (WIDTH, HEIGHT), "white")
        canvas = ImageDraw.Draw(image)
        name = f"{draw.choice(LAST_NAMES)} {draw.choice(_BUSINESSES)}".upper()
        address = f"{draw.choice(STREETS)} {draw.randint(1, 99)}, {draw.choice(draw.choice(TOWNS_BY_REGION))}"
        title = draw.choice(_TITLES[self.kind])
        style = draw.choice(("bar", "plain", "centred", "stripe"))
        on_ink = style == "bar"
        if on_ink:
            canvas.rectangle((0, 0, WIDTH, self.head - 20), fill=self.ink)
        if style == "stripe":
            canvas.rectangle((0, 0, 24, HEIGHT), fill=self.ink)
        text = "white" if on_ink else self.ink
        self._logo(canvas, draw, text)
        anchor, x = ("ma", WIDTH // 2) if style == "centred" else ("la", self.left + 110)
        canvas.text((x, 30), plain(name), text, font_size=34, anchor=anchor, stroke_width=draw.choice((0, 1)))
        canvas.text((x, 74), plain(address), text, font_size=self.size - 2, anchor=anchor)
        canvas.text((x, 74 + self.size), plain(title), text, font_size=self.size + 6, anchor=anchor)
        foot = HEIGHT - 70
        canvas.line((self.left, foot, WIDTH - self.left, foot), self.ink, 2)
        bank = f"VAT {draw.randint(10**8, 10**9)}  |  Bank {draw.randint(10**9, 10**10)}  |  {address}"
        canvas.text((WIDTH // 2, foot + 10), plain(bank), self.ink, font_size=14, anchor="ma")
        return image

    def _logo(self, canvas: ImageDraw.ImageDraw, draw: Random, ink: str) -> None:
        left, top, side = self.left, 24, 80
        match draw.randrange(4):
            case 0:
                canvas.ellipse((left, top, left + side, top + side), outline=ink, width=8)
            case 1:
                canvas.polygon([(left, top + side), (left + side // 2, top), (left + side, top + side)], ink)
            case 2:
                canvas.rounded_rectangle((left, top, left + side, top + side), 18, fill=ink)
            case _:
                for bar in range(4):
                    canvas.rectangle(
                        (left + bar * 20, top + bar * 14, left + bar * 20 + 12, top + side), fill=ink
                    )
