"""Photos of 12 megapixels: Claimwatch compared with Pillow, pyvips and sharp; recall of pictures used again.

python -m benchmarks.images                     what `make bench-images` runs; writes benchmarks/results.json
python -m benchmarks.images --rounds 1 --only claimwatch --only naive --skip-matching --skip-search
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from samcli.yamlhelper import yaml_parse
from skimage.metrics import structural_similarity

from benchmarks import images_documents, images_matching, images_search
from benchmarks.command import argument_parser, run, say
from benchmarks.images_contestants import NAMES, Contestant, contestants
from benchmarks.images_input import HEIGHT, WIDTH, Input, inputs
from benchmarks.results import circumstances, median, megabytes, table

PHOTOS, ROUNDS = 12, 5
PROJECT = Path(__file__).resolve().parent.parent
BUILD = PROJECT / ".aws-sam" / "build"
FUNCTION = "ProcessImage"
PACKAGES = ("pillow", "pillow-heif", "pyvips", "pyvips-binary", "scikit-image", "numpy")
_COLD_STARTS = 5


def main() -> None:
    """Measure, print and record the figures."""
    options = _arguments()
    complete = not (options.only or options.skip_matching or options.skip_search)
    complete = complete and (options.photos, options.rounds) == (PHOTOS, ROUNDS)
    run("images", options, _measured, _report, complete=complete)


def _arguments() -> argparse.Namespace:
    parser = argument_parser("images", __doc__)
    parser.add_argument(
        "--photos", type=int, default=PHOTOS, help="number of photos to shrink (default %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="number of runs of each contestant (default %(default)s)"
    )
    parser.add_argument("--only", choices=NAMES, action="append", help="run only these contestants")
    parser.add_argument("--skip-matching", action="store_true", help="do not measure recall of edited photos")
    parser.add_argument("--skip-search", action="store_true", help="do not measure the search")
    return parser.parse_args()


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    say(f"Drawing {options.photos} photos of {WIDTH} x {HEIGHT}")
    photos = inputs(options.folder / "images", options.photos)
    figures = _shrinking(photos, [name for name in NAMES if name in (options.only or NAMES)], options)
    if "claimwatch" in figures["photos_per_second"]:
        figures["function"] = _function(figures["photos_per_second"]["claimwatch"])
    hashes: list[int] = []
    if not options.skip_matching:
        say(f"Editing {images_matching.PHOTOS} photos in {len(images_matching.EDITS)} ways each")
        matching, hashed = images_matching.measure()
        figures |= {name: matching.pop(name) for name in ("match_recall", "false_pair_rate")}
        figures["matching"] = matching
        hashes = [photo.original for photo in hashed if photo.original is not None]
        say(f"Drawing documents on {images_documents.LETTERHEADS} letterheads")
        documents = images_documents.measure()
        figures["document_false_pair_rate"] = documents["false_pair_rate"]
        figures["document_match_recall"] = documents["match_recall"]
        figures["documents"] = documents
    if not options.skip_search:
        evenly = np.random.default_rng(1).integers(-(1 << 63), 1 << 63, 300).tolist()
        figures["search"] = images_search.measure(options.folder, hashes or evenly, say)
    return figures


# -- Shrinking --


def _shrinking(photos: list[Input], names: list[str], options: argparse.Namespace) -> dict[str, Any]:
    paths = [photo.photo for photo in photos]
    runs: dict[str, list[dict[str, float]]] = {}
    with contestants(names, options.folder, say) as running:
        for contestant in running.values():
            contestant.shrink(paths[:1])  # warm
        for number in range(1, options.rounds + 1):
            for name, contestant in running.items():
                seconds = round(contestant.shrink(paths), 3)
                runs.setdefault(name, []).append({"photos": len(paths), "seconds": seconds})
                say(f"round {number}  {name:12}{seconds:8.2f} s {len(paths) / seconds:8.2f} photos/s")
        similarity = {
            name: _similarity(contestant, photos, options.folder / "images")
            for name, contestant in running.items()
        }
        versions = {key: value for one in running.values() for key, value in one.versions.items()}
    rates = {name: median([run["photos"] / run["seconds"] for run in own]) for name, own in runs.items()}
    ratios = {
        f"vs_{name}": round(rates["claimwatch"] / rates[name], 2)
        for name in ("naive", "draft", "sharp", "pyvips")
        if {"claimwatch", name} <= rates.keys()
    }
    figures: dict[str, Any] = {**ratios}
    if {"claimwatch", "naive"} <= similarity.keys():
        figures["ssim_loss"] = round(similarity["naive"] - similarity["claimwatch"], 5)
    if "claimwatch" in rates:
        figures["peak_mb"] = _peak(paths, options.folder)
    conditions = circumstances(*PACKAGES)
    conditions["versions"] |= versions
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
        **conditions,
    }


def _similarity(contestant: Contestant, photos: list[Input], folder: Path) -> float:
    """Return the mean structural similarity of the display copies to the uncompressed scenes at that size."""
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
    """Return the peak memory in MB of a fresh process that examines all photos."""
    with contestants(["claimwatch"], folder, say) as fresh:
        fresh["claimwatch"].shrink(paths)
        return megabytes(fresh["claimwatch"].peak())


# -- The function --


def _function(photos_per_second: float) -> dict[str, Any]:
    """Return the function's size, its cold import time, and photos per billed GB-second."""
    template = yaml_parse((PROJECT / "template.yaml").read_text("utf-8"))
    shared = template["Globals"]["Function"]
    own = template["Resources"].get(FUNCTION, {}).get("Properties", {})
    memory = own.get("MemorySize", shared.get("MemorySize"))
    parts = [FUNCTION, *(layer["Ref"] for layer in [*shared["Layers"], *own.get("Layers", [])])]
    built = {part: megabytes(_size(BUILD / part)) for part in parts if (BUILD / part).is_dir()}
    complete = built.keys() == set(parts)
    if not complete:
        say(f"{FUNCTION} is not built (run `make build`): its size is omitted")
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
    """Return the milliseconds in which a fresh interpreter imports the photo module."""
    script = (
        "import time; begun = time.perf_counter(); import claimwatch.domain.photos.photo;"
        " print(1000 * (time.perf_counter() - begun))"
    )
    return float(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)


# -- The report --


def _report(figures: dict[str, Any]) -> str:
    rates, similarity = figures["photos_per_second"], figures["ssim"]
    rows = [
        [
            name,
            f"{rate:.2f}",
            f"{figures[f'vs_{name}']:.2f} x" if f"vs_{name}" in figures else "",
            f"{similarity[name]:.5f}",
        ]
        for name, rate in rates.items()
    ]
    parts = [table(["", "photos/s", "claimwatch is", "SSIM"], rows)]
    details = {name: figures[name] for name in ("ssim_loss", "peak_mb") if name in figures}
    details |= {
        name: value for name, value in figures.get("function", {}).items() if name != "built_mb_by_part"
    }
    parts.append(table(["", "value"], [[name, str(value)] for name, value in details.items()]))
    if matching := figures.get("matching"):
        recalls = [
            [kind, f"{matching['recall_by_hash'][kind]:.3f}", f"{recall:.3f}"]
            for kind, recall in matching["recall"].items()
        ]
        head = f"{matching['photos']} photos, within {matching['distance']} bits"
        parts.append(table([head, "recall by hash", "recall"], recalls))
        parts.append(
            f"match_recall {figures['match_recall']}, false pairs {matching['false_pairs']:,} of"
            f" {matching['pairs']:,} (with edits of other photos {matching['false_pairs_with_edits']:,} of"
            f" {matching['pairs_with_edits']:,})"
        )
    if documents := figures.get("documents"):
        parts.append(images_documents.report(documents))
    if search := figures.get("search"):
        times = [
            [f"{int(size):,} rows", f"{one['indexed_ms']:.2f}", f"{one['scan_ms']:.2f}"]
            for size, one in search["rows"].items()
        ]
        parts.append(table(["search, ms", "indexed", "scan"], times))
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
