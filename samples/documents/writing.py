"""What people write on a letterhead."""

from dataclasses import dataclass
from math import sin
from random import Random

from PIL import Image, ImageDraw

from samples.documents.letterhead import HEIGHT, WIDTH, Letterhead, plain
from samples.vocabulary import FIRST_NAMES, LAST_NAMES, MAKES, STREETS, TOWNS_BY_REGION

BLACK, GREY = "#111111", "#9a9a9a"
_PARTS = (
    "Bumper", "Bonnet", "Wing", "Door skin", "Headlamp", "Radiator", "Mirror", "Windscreen", "Clip set",
    "Paint", "Labour", "Primer", "Axle alignment", "Tail lamp", "Grille", "Wheel arch", "Sill", "Tailgate",
)  # fmt: skip
_SIDES = ("front", "rear", "left", "right", "front left", "front right", "rear left", "rear right")
_WORDS = (
    "the", "vehicle", "was", "inspected", "damage", "on", "left", "right", "front", "rear", "door", "visible",
    "consistent", "with", "accident", "described", "by", "customer", "repair", "costs", "are", "estimated",
    "without", "further", "dismantling", "of", "and", "paint", "scratches", "dent", "value", "before", "loss",
    "mileage", "read", "from", "instrument", "no", "previous", "could", "be", "found", "axle", "measured",
)  # fmt: skip
_LABELS = ("Customer", "Address", "Registration", "Vehicle", "Date of loss", "Reference")
_QUESTIONS = (
    "Was the vehicle parked?", "Were the police called?", "Is the vehicle roadworthy?", "Was anybody hurt?",
    "Are there witnesses?", "Is the vehicle leased?", "Previous damage?", "Did the airbags open?",
    "Was the driver insured?", "Was it raining?",
)  # fmt: skip


def document(letterhead: Letterhead, number: int) -> Image.Image:
    """Return the document of this number on the letterhead."""
    draw = Random(f"document/{letterhead.seed}/{letterhead.number}/{number}")
    image = letterhead.sheet.copy()
    page = _Page(ImageDraw.Draw(image), letterhead, draw)
    top = _customer(page, letterhead.head + 30)
    match letterhead.kind:
        case "estimate" | "invoice":
            _table(page, top + 30)
        case "letter":
            _paragraphs(page, top + 40, draw.randint(8, 18))
        case "form":
            _questions(page, top + 40)
        case _:
            _terms(page, top + 40)
    _signature(page)
    if draw.random() < 0.3:
        _stamp(image, draw, letterhead)
    return image


@dataclass(frozen=True)
class _Page:
    canvas: ImageDraw.ImageDraw
    letterhead: Letterhead
    draw: Random

    def text(self, x: float, y: float, text: str, ink: str = BLACK, anchor: str = "la") -> None:
        self.canvas.text((x, y), plain(text), ink, font_size=self.letterhead.size, anchor=anchor)


def _customer(page: _Page, top: int) -> int:
    """Write who and what the document is about; return where it ends."""
    draw, left = page.draw, page.letterhead.left
    town = draw.choice(draw.choice(TOWNS_BY_REGION))
    values = (
        f"{draw.choice(FIRST_NAMES)} {draw.choice(LAST_NAMES)}",
        f"{draw.choice(STREETS)} {draw.randint(1, 150)}, {town}",
        f"{''.join(draw.choices('ABCDEFGHKLMNPRSTUVWXYZ', k=3))} {draw.randint(100, 9999)}",
        f"{draw.choice(MAKES).title()}, {draw.randint(3, 220)},{draw.randint(0, 999):03} km",
        f"{draw.randint(1, 28):02}.{draw.randint(1, 12):02}.{draw.randint(2019, 2026)}",
        f"{draw.randint(10**6, 10**8)}",
    )
    for line, (label, value) in enumerate(zip(_LABELS, values, strict=True)):
        y = top + line * int(page.letterhead.size * 1.6)
        page.text(left, y, label, page.letterhead.ink)
        page.text(left + 210, y, value)
    return top + len(values) * int(page.letterhead.size * 1.6)


def _table(page: _Page, top: int) -> None:
    """Write items with amounts into a table whose empty lines are printed, too."""
    draw, form = page.draw, page.letterhead
    left, right = form.left, WIDTH - form.left
    columns = (left + 10, left + 470, right - 170, right - 10)
    page.canvas.rectangle((left, top, right, top + form.pitch), fill=form.ink)
    for x, title in zip(columns, ("Item", "Qty", "Each", "Amount"), strict=True):
        anchor = "ra" if x > left + 10 else "la"
        page.text(x, top + 5, title, "white", anchor)
    bottom, total = HEIGHT - 330, 0.0
    items = draw.randint(4, 13)
    for row, y in enumerate(range(top + form.pitch, bottom, form.pitch)):
        page.canvas.line((left, y + form.pitch, right, y + form.pitch), GREY, 2)
        if row < items:
            count, each = draw.randint(1, 9), draw.randint(400, 90_000) / 100
            total += count * each
            page.text(columns[0], y + 5, f"{draw.choice(_PARTS)} {draw.choice(_SIDES)}")
            page.text(columns[1], y + 5, str(count), anchor="ra")
            page.text(columns[2], y + 5, f"{each:,.2f}", anchor="ra")
            page.text(columns[3], y + 5, f"{count * each:,.2f}", anchor="ra")
    page.canvas.rectangle((right - 330, bottom + 20, right, bottom + 70), outline=BLACK, width=3)
    page.text(right - 310, bottom + 32, "TOTAL")
    page.text(right - 10, bottom + 32, f"{total:,.2f}", anchor="ra")


def _paragraphs(page: _Page, top: int, lines: int) -> None:
    left, right = page.letterhead.left, WIDTH - page.letterhead.left
    y = top
    for _ in range(lines):
        words, width = [page.draw.choice(_WORDS).title()], 0.0
        while width < (right - left) * page.draw.uniform(0.85, 0.95):
            words.append(page.draw.choice(_WORDS))
            width = page.canvas.textlength(" ".join(words), font_size=page.letterhead.size)
        page.text(left, y, " ".join(words))
        y += int(page.letterhead.size * 1.5)


def _questions(page: _Page, top: int) -> None:
    """Write a printed form: boxes that are ticked, and a few lines by hand."""
    left, right = page.letterhead.left, WIDTH - page.letterhead.left
    y = top
    for question in _QUESTIONS:
        page.text(left, y, question, page.letterhead.ink)
        yes = page.draw.random() < 0.5
        for x, word, ticked in ((right - 220, "yes", yes), (right - 100, "no", not yes)):
            page.canvas.rectangle((x, y, x + 22, y + 22), outline=BLACK, width=2)
            page.text(x + 32, y, word, page.letterhead.ink)
            if ticked:
                page.canvas.line((x + 3, y + 3, x + 19, y + 19), BLACK, 3)
                page.canvas.line((x + 19, y + 3, x + 3, y + 19), BLACK, 3)
        y += 42
    page.text(left, y + 10, "What happened?", page.letterhead.ink)
    for line in range(5):
        base = y + 80 + line * 50
        page.canvas.line((left, base, right, base), GREY, 2)
        if line < 2 or page.draw.random() < 0.5:
            _scrawl(page, left + 10, base - 16, page.draw.randint(350, right - left - 20))


def _terms(page: _Page, top: int) -> None:
    """Write a certificate: printed terms that all certificates have, and one sum."""
    printed = Random(f"terms/{page.letterhead.seed}/{page.letterhead.number}")
    terms = _Page(page.canvas, page.letterhead, printed)
    _paragraphs(terms, top, 14)
    y = HEIGHT - 330
    page.canvas.rectangle(
        (page.letterhead.left, y, WIDTH - page.letterhead.left, y + 60), outline=BLACK, width=3
    )
    page.text(page.letterhead.left + 20, y + 18, "Sum insured", page.letterhead.ink)
    page.text(page.letterhead.left + 260, y + 18, f"EUR {page.draw.randint(10**5, 10**8) / 100:,.2f}")


def _signature(page: _Page) -> None:
    y = HEIGHT - 150
    page.canvas.line((page.letterhead.left, y, page.letterhead.left + 360, y), BLACK, 2)
    page.text(page.letterhead.left, y + 8, "Signature", page.letterhead.ink)
    _scrawl(page, page.letterhead.left + 20, y - 24, page.draw.randint(160, 320))


def _scrawl(page: _Page, left: int, middle: int, width: int) -> None:
    """Draw something like handwriting."""
    draw = page.draw
    pace, phase, height = draw.uniform(0.12, 0.25), draw.uniform(0, 6), draw.uniform(8, 16)
    points = [
        (left + x, middle + height * sin(x * pace + phase) * sin(x * pace / 3.3) + draw.uniform(-3, 3))
        for x in range(0, width, 4)
    ]
    page.canvas.line(points, "#1d2f8a", 3, joint="curve")


def _stamp(image: Image.Image, draw: Random, letterhead: Letterhead) -> None:
    """Put the sender's stamp somewhere over the lower part, at any angle."""
    stamp = Image.new("RGBA", (260, 260))
    canvas = ImageDraw.Draw(stamp)
    ink = (40, 60, 150, 150)
    canvas.ellipse((10, 10, 250, 250), outline=ink, width=7)
    canvas.text((130, 110), "RECEIVED", ink, font_size=36, anchor="ma", stroke_width=1)
    canvas.text(
        (130, 150), f"{draw.randint(1, 28):02} / {draw.randint(1, 12):02}", ink, font_size=28, anchor="ma"
    )
    stamp = stamp.rotate(draw.uniform(-40, 40), Image.Resampling.BICUBIC)
    where = (draw.randint(400, WIDTH - letterhead.left - 260), draw.randint(HEIGHT - 480, HEIGHT - 360))
    image.paste(stamp, where, stamp)
