"""Documents on one letterhead and other pictures that look alike: how many are taken for the same picture.

python -m benchmarks.images_documents       this part of `make bench-images` alone; writes nothing
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import get_context
from random import Random
from statistics import median
from time import process_time
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.images_matching import EDITS, Edit, Hashed, blocks, figures, hashed
from benchmarks.results import table
from claimwatch.domain.photos.perceptual_hash import MATCH_DISTANCE, distance
from claimwatch.domain.photos.photo import examine
from claimwatch.domain.photos.same_picture import is_same
from samples.documents import Letterhead, document, photographed, scanned
from samples.photos import encoded

LETTERHEADS, DOCUMENTS, SEED = 20, 10, 13
FAMILY = 40
"""Pictures of each other family."""


def _rescanned(image: Image.Image, rng: np.random.Generator) -> bytes:
    """Print and scan a document again."""
    draw = Random(int(rng.integers(1 << 30)))
    return encoded(scanned(image, draw), quality=draw.randint(60, 85))


DOCUMENT_EDITS: Mapping[str, Edit] = {**EDITS, "rescanned": _rescanned}


@dataclass(frozen=True)
class Alike:
    """A picture of a group whose members look alike, and are not the same."""

    group: str
    phash: int | None
    thumbnail: bytes


@dataclass(frozen=True)
class Pair:
    """Two pictures with similar hashes; ``seconds`` is the processor time of their comparison."""

    one_group: bool
    blocks: int
    seconds: float


def measure() -> dict[str, Any]:
    """Return the figures of documents and of each family."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as workers:
        numbers = [(head, number) for head in range(LETTERHEADS) for number in range(DOCUMENTS)]
        drawn = list(workers.map(_document, numbers, chunksize=4))
        pairs = _compared(workers, [alike for alike, _ in drawn])
        families = {
            name: _counted(list(workers.map(_member, [name] * FAMILY, range(FAMILY), chunksize=8)), workers)
            for name in FAMILIES
        }
    matching = figures([copies for _, copies in drawn])
    count = len(drawn)
    own = [pair for pair in pairs if pair.one_group]
    return {
        "documents": count,
        "letterheads": LETTERHEADS,
        "pairs": count * (count - 1) // 2,
        "pairs_on_one_letterhead": LETTERHEADS * DOCUMENTS * (DOCUMENTS - 1) // 2,
        **_rates(pairs, count * (count - 1) // 2),
        "similar_hashes_on_one_letterhead": len(own),
        "false_pairs_on_one_letterhead": sum(is_same(pair.blocks) for pair in own),
        "fewest_blocks": sorted(pair.blocks for pair in pairs)[:5],
        "match_recall": matching["match_recall"],
        "recall": matching["recall"],
        "recall_by_hash": matching["recall_by_hash"],
        "compare_ms": round(1000 * median(pair.seconds for pair in pairs), 1),
        "families": families,
    }


def _rates(pairs: Sequence[Pair], of: int) -> dict[str, Any]:
    false = sum(is_same(pair.blocks) for pair in pairs)
    return {
        "similar_hashes": len(pairs),
        "similar_hash_rate": round(len(pairs) / of, 7),
        "false_pairs": false,
        "false_pair_rate": round(false / of, 7),
    }


def _counted(members: Sequence[Alike], workers: ProcessPoolExecutor) -> dict[str, Any]:
    pairs = len(members) * (len(members) - 1) // 2
    without = sum(member.phash is None for member in members)
    return {"pairs": pairs, "without_hash": without, **_rates(_compared(workers, members), pairs)}


def _compared(workers: ProcessPoolExecutor, pictures: Sequence[Alike]) -> list[Pair]:
    """Compare all pictures with similar hashes."""
    similar = [
        (one, other)
        for one, other in combinations(pictures, 2)
        if one.phash is not None
        and other.phash is not None
        and distance(one.phash, other.phash) <= MATCH_DISTANCE
    ]
    return list(workers.map(_pair, similar, chunksize=16))


def _pair(pair: tuple[Alike, Alike]) -> Pair:
    one, other = pair
    begun = process_time()
    found = blocks(one.thumbnail, other.thumbnail)
    return Pair(one.group == other.group, found, process_time() - begun)


def _document(numbers: tuple[int, int]) -> tuple[Alike, Hashed]:
    """Draw a document; all documents of a letterhead are sent in the same way."""
    head, number = numbers
    draw, rng = Random(f"{SEED}/{head}/{number}"), np.random.default_rng([SEED, head, number])
    page = document(Letterhead(SEED, head), number)
    match head // 5 % 4:
        case 1:
            page = page.resize((520, 735), Image.Resampling.LANCZOS)
        case 2:
            page = scanned(page, draw)
        case 3:
            page = photographed(page, draw)
    data = encoded(page, quality=85)
    image = page.convert("RGB")
    copies = hashed(data, {kind: edit(image, rng) for kind, edit in DOCUMENT_EDITS.items()})
    return Alike(str(head), copies.original, examine(data).thumbnail), copies


# -- Other pictures that look alike --


def _plate(draw: Random) -> Image.Image:
    """Draw a number plate on paint."""
    image = Image.new("RGB", (1024, 768), (90, 20, 30))
    canvas = ImageDraw.Draw(image)
    canvas.rounded_rectangle((162, 300, 862, 460), 16, fill="white", outline="black", width=8)
    canvas.rectangle((172, 310, 232, 450), fill="#1b3a9a")
    text = "".join(draw.choices("ABCDEFGHKLMNPRSTUVWXYZ", k=3)) + f" {draw.randint(1000, 9999)}"
    canvas.text((560, 380), text, "black", font_size=120, anchor="mm", stroke_width=3)
    return image.filter(ImageFilter.GaussianBlur(1))


def _screenshot(draw: Random) -> Image.Image:
    """Draw a list in an app."""
    image = Image.new("RGB", (720, 1280), "#f4f4f6")
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, 0, 720, 120), fill="#2f5bd0")
    canvas.text((40, 44), "Messages", "white", font_size=40)
    for row in range(9):
        top = 140 + row * 120
        canvas.rounded_rectangle((20, top, 700, top + 108), 14, fill="white")
        canvas.ellipse((36, top + 18, 108, top + 90), fill=draw.choice(("#c44", "#4a7", "#47a", "#a74")))
        words = (draw.choice(("car", "door", "when", "photo", "claim", "thanks", "call")) for _ in range(5))
        canvas.text((130, top + 16), f"+49 {draw.randint(10**8, 10**9)}", "black", font_size=28)
        canvas.text((130, top + 58), " ".join(words), "#666", font_size=26)
    canvas.rectangle((0, 1220, 720, 1280), fill="#dddddd")
    return image


def _asphalt(draw: Random) -> Image.Image:
    """Draw a nearly uniform surface with grain and uneven light."""
    rng = np.random.default_rng(draw.getrandbits(32))
    light = rng.normal(0, 6, (6, 8)).astype(np.float32)
    uneven = np.asarray(Image.fromarray(light).resize((1024, 768), Image.Resampling.BICUBIC))
    values = 110 + uneven + rng.normal(0, 14, (768, 1024))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.5))


def _sky(draw: Random) -> Image.Image:
    """Draw a gradient with faint clouds."""
    rng = np.random.default_rng(draw.getrandbits(32))
    clouds = rng.normal(0, 3, (5, 7)).astype(np.float32)
    soft = np.asarray(Image.fromarray(clouds).resize((1024, 768), Image.Resampling.BICUBIC))
    values = np.linspace(235, 150, 768)[:, None] + soft + rng.normal(0, 1.5, (768, 1024))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


FAMILIES: Mapping[str, Callable[[Random], Image.Image]] = {
    "number plates": _plate,
    "screenshots": _screenshot,
    "asphalt": _asphalt,
    "sky": _sky,
}


def _member(family: str, number: int) -> Alike:
    draw = Random(f"{SEED}/{family}/{number}")
    photo = examine(encoded(FAMILIES[family](draw), quality=85))
    return Alike(family, photo.phash, photo.thumbnail)


# -- The report --


def report(found: Mapping[str, Any]) -> str:
    """Format the figures."""
    recalls = [
        [kind, f"{found['recall_by_hash'][kind]:.3f}", f"{recall:.3f}"]
        for kind, recall in found["recall"].items()
    ]
    head = f"{found['documents']} documents on {found['letterheads']} letterheads"
    rows = [["documents", found["pairs"], found["similar_hashes"], found["false_pairs"]]]
    rows.append(
        [
            "documents on one letterhead",
            found["pairs_on_one_letterhead"],
            found["similar_hashes_on_one_letterhead"],
            found["false_pairs_on_one_letterhead"],
        ]
    )
    rows += [
        [name, one["pairs"], one["similar_hashes"], one["false_pairs"]]
        for name, one in found["families"].items()
    ]
    return "\n\n".join(
        [
            table([head, "recall by hash", "recall"], recalls),
            table(["different pictures", "pairs", "similar hashes", "false pairs"], rows),
            f"false pairs of documents {found['false_pair_rate']}, {found['compare_ms']} ms a comparison",
        ]
    )


if __name__ == "__main__":
    print(report(measure()))
