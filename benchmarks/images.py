"""Photos of 12 megapixels: Claimwatch against Pillow, pyvips and sharp; and how re-used ones are found.

python -m benchmarks.images                     what `make bench-images` runs; writes benchmarks/results.json
python -m benchmarks.images --rounds 1 --only claimwatch --only naive --skip-matching --skip-search
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from samcli.yamlhelper import yaml_parse
from skimage.metrics import structural_similarity

from benchmarks import images_matching, images_search
from benchmarks.images_contestants import NAMES, Contestant, contestants
from benchmarks.images_input import HEIGHT, WIDTH, Input, inputs
from benchmarks.results import RESULTS, circumstances, median, megabytes, record, table

PHOTOS, ROUNDS = 12, 5
PROJECT = Path(__file__).resolve().parent.parent
FOLDER = PROJECT / ".local" / "bench"
BUILD = PROJECT / ".aws-sam" / "build"
FUNCTION = "ProcessImage"
PACKAGES = ("pillow", "pillow-heif", "pyvips", "pyvips-binary", "scikit-image", "numpy")
_COLD_STARTS = 5


def main() -> None:
    """Measure, print, and record."""
    asked = _arguments()
    try:
        figures = _measured(asked)
    finally:
        if asked.discard:
            shutil.rmtree(asked.folder, ignore_errors=True)
    print(_report(figures))
    whole = not (asked.only or asked.skip_matching or asked.skip_search)
    whole = whole and (asked.photos, asked.rounds) == (PHOTOS, ROUNDS)
    path = asked.results or (RESULTS if whole else None)
    if path:
        record("images", figures, path)
        say(f"written to {path}")
    else:
        say("Not the whole benchmark, so nothing is written; --results FILE writes it there.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.images", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--photos", type=int, default=PHOTOS, help="to shrink (default %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="runs of each contestant (default %(default)s)"
    )
    parser.add_argument("--only", choices=NAMES, action="append", help="leave the other contestants out")
    parser.add_argument("--skip-matching", action="store_true", help="find no edited photos again")
    parser.add_argument("--skip-search", action="store_true", help="search in no table")
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="where files and server go (default .local/bench)"
    )
    parser.add_argument(
        "--discard", action="store_true", help="delete that folder afterwards; else the files are kept"
    )
    parser.add_argument("--results", type=Path, help="where the figures go")
    return parser.parse_args()


def say(text: str) -> None:
    """A line of progress. Standard output is left to results."""
    print(text, file=sys.stderr, flush=True)


def _measured(asked: argparse.Namespace) -> dict[str, Any]:
    say(f"Drawing {asked.photos} photos of {WIDTH} x {HEIGHT}")
    photos = inputs(asked.folder / "images", asked.photos)
    figures = _shrinking(photos, [name for name in NAMES if name in (asked.only or NAMES)], asked)
    if "claimwatch" in figures["photos_per_second"]:
        figures["function"] = _function(figures["photos_per_second"]["claimwatch"])
    hashes: list[int] = []
    if not asked.skip_matching:
        say(f"Editing {images_matching.PHOTOS} photos in {len(images_matching.EDITS)} ways each")
        matching, hashed = images_matching.measure()
        figures |= {name: matching.pop(name) for name in ("match_recall", "false_pair_rate")}
        figures["matching"] = matching
        hashes = [photo.original for photo in hashed if photo.original is not None]
    if not asked.skip_search:
        evenly = np.random.default_rng(1).integers(-(1 << 63), 1 << 63, 300).tolist()
        figures["search"] = images_search.measure(asked.folder, hashes or evenly, say)
    return figures


# -- Shrinking --


def _shrinking(photos: list[Input], names: list[str], asked: argparse.Namespace) -> dict[str, Any]:
    paths = [photo.photo for photo in photos]
    runs: dict[str, list[dict[str, float]]] = {}
    with contestants(names, asked.folder, say) as racing:
        for contestant in racing.values():
            contestant.shrink(paths[:1])  # warm
        for number in range(1, asked.rounds + 1):
            for name, contestant in racing.items():
                seconds = round(contestant.shrink(paths), 3)
                runs.setdefault(name, []).append({"photos": len(paths), "seconds": seconds})
                say(f"round {number}  {name:12}{seconds:8.2f} s {len(paths) / seconds:8.2f} photos/s")
        similarity = {
            name: _similarity(contestant, photos, asked.folder / "images")
            for name, contestant in racing.items()
        }
        versions = {key: value for one in racing.values() for key, value in one.versions.items()}
    rates = {name: median([run["photos"] / run["seconds"] for run in of_it]) for name, of_it in runs.items()}
    ratios = {
        f"vs_{name}": round(rates["claimwatch"] / rates[name], 2)
        for name in ("naive", "draft", "sharp", "pyvips")
        if {"claimwatch", name} <= rates.keys()
    }
    figures: dict[str, Any] = {**ratios}
    if {"claimwatch", "naive"} <= similarity.keys():
        figures["ssim_loss"] = round(similarity["naive"] - similarity["claimwatch"], 5)
    if "claimwatch" in rates:
        figures["peak_mb"] = _peak(paths, asked.folder)
    told = circumstances(*PACKAGES)
    told["versions"] |= versions
    return {
        **figures,
        "photos_per_second": {name: round(rate, 2) for name, rate in rates.items()},
        "ssim": {name: round(value, 5) for name, value in similarity.items()},
        "input": {
            "photos": len(photos),
            "width": WIDTH,
            "height": HEIGHT,
            "bytes": sum(path.stat().st_size for path in paths),
        },
        "threads": {"vips_concurrency": 1, "sharp_concurrency": 1},
        "runs": runs,
        **told,
    }


def _similarity(contestant: Contestant, photos: list[Input], folder: Path) -> float:
    """Mean structural similarity of the display copies to the uncompressed scenes at that size."""
    found = []
    for photo in photos:
        with (
            Image.open(photo.reference) as reference,
            Image.open(contestant.display(photo.photo, folder / "display.jpg")) as display,
        ):
            pair = [np.asarray(image.convert("RGB")) for image in (reference, display)]
        found.append(float(structural_similarity(*pair, channel_axis=2)))  # type: ignore[no-untyped-call]
    return sum(found) / len(found)


def _peak(paths: list[Path], folder: Path) -> float:
    """The most MB that a fresh process has which examines them all."""
    with contestants(["claimwatch"], folder, say) as alone:
        alone["claimwatch"].shrink(paths)
        return megabytes(alone["claimwatch"].peak())


# -- The function --


def _function(photos_per_second: float) -> dict[str, Any]:
    """What it costs to have it: its size, its cold import, and photos for each GB-second that is billed."""
    template = yaml_parse((PROJECT / "template.yaml").read_text("utf-8"))
    shared = template["Globals"]["Function"]
    own = template["Resources"].get(FUNCTION, {}).get("Properties", {})
    memory = own.get("MemorySize", shared.get("MemorySize"))
    parts = [FUNCTION, *(layer["Ref"] for layer in [*shared["Layers"], *own.get("Layers", [])])]
    built = {part: megabytes(_size(BUILD / part)) for part in parts if (BUILD / part).is_dir()}
    complete = built.keys() == set(parts)
    if not complete:
        say(f"{FUNCTION} is not built (`make build`): its size is left out")
    return {
        "built_mb": round(sum(built.values()), 1) if complete else None,
        "built_mb_by_part": built if complete else None,
        "import_ms": round(median([_cold_import() for _ in range(_COLD_STARTS)])),
        "memory_mb": memory,
        "photos_per_gb_second": round(photos_per_second / (memory / 1024), 2) if memory else None,
    }


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _cold_import() -> float:
    """Milliseconds that a fresh interpreter needs for what takes photos apart."""
    script = (
        "import time; begun = time.perf_counter(); import claimwatch.domain.photos.photo;"
        " print(1000 * (time.perf_counter() - begun))"
    )
    return float(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)


# -- The report --


def _report(figures: dict[str, Any]) -> str:
    rates, similarity = figures["photos_per_second"], figures["ssim"]
    told = [
        [
            name,
            f"{rate:.2f}",
            f"{figures[f'vs_{name}']:.2f} x" if f"vs_{name}" in figures else "",
            f"{similarity[name]:.5f}",
        ]
        for name, rate in rates.items()
    ]
    parts = [table(["", "photos/s", "claimwatch is", "SSIM"], told)]
    facts = {name: figures[name] for name in ("ssim_loss", "peak_mb") if name in figures}
    facts |= {
        name: value for name, value in figures.get("function", {}).items() if name != "built_mb_by_part"
    }
    parts.append(table(["", "value"], [[name, str(value)] for name, value in facts.items()]))
    if matching := figures.get("matching"):
        recalls = [[kind, f"{recall:.3f}"] for kind, recall in matching["recall"].items()]
        parts.append(
            table([f"{matching['photos']} photos, within {matching['distance']} bits", "recall"], recalls)
        )
        parts.append(
            f"match_recall {figures['match_recall']}, false pairs {matching['false_pairs']:,} of"
            f" {matching['pairs']:,} (with others' edits {matching['false_pairs_with_edits']:,} of"
            f" {matching['pairs_with_edits']:,})"
        )
    if search := figures.get("search"):
        rows = [
            [f"{int(rows):,} rows", f"{one['indexed_ms']:.2f}", f"{one['scan_ms']:.2f}"]
            for rows, one in search["rows"].items()
        ]
        parts.append(table(["search, ms", "indexed", "scan"], rows))
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
