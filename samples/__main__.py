"""Command line of the sample book: `python -m samples --help`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from samples.book import Book, BookConfig, Drift
from samples.delivery import ALL_PARTS, Delivered, Delivery, Part, deliver
from samples.dirt import BREAKS_THE_CONTRACT, Dirt
from samples.layout import SHAPES
from samples.manifest import Kind
from samples.photos import SentPhoto, deliver_photos

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Write a motor book with a known fraud mechanism."
)

Out = Annotated[Path, typer.Option(help="Output folder.")]
Weeks = Annotated[int, typer.Option(min=1, help="Number of weeks of claims.")]
Rows = Annotated[int, typer.Option(min=1, help="Number of claims per week.")]
Seed = Annotated[int, typer.Option(help="The same seed writes the same bytes.")]
Start = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Monday of the first week.")]
DriftFrom = Annotated[int | None, typer.Option(help="First week of the drift; weeks count from 0.")]
Shift = Annotated[float, typer.Option(help="Size of the drift in standard deviations.")]
NewScheme = Annotated[bool, typer.Option("--new-scheme", help="Also change the fraud mechanism.")]
DirtShare = Annotated[float, typer.Option("--dirt", min=0, max=1, help="Share of bad rows.")]
Kinds = Annotated[list[Kind] | None, typer.Option("--kind", help="Use only these kinds of bad rows.")]
Duplicates = Annotated[float, typer.Option(min=0, max=1, help="Share of claims repeated in the same file.")]
Corrections = Annotated[
    float, typer.Option(min=0, max=1, help="Share of claims sent again with corrections a week later.")
]
Late = Annotated[list[int] | None, typer.Option(help="A week whose claims are delivered two weeks late.")]
Repeat = Annotated[list[int] | None, typer.Option(help="A week whose file is delivered twice.")]
ShapeNames = Annotated[
    list[str] | None, typer.Option("--shape", help=f"Shapes of the files, used in turn: {', '.join(SHAPES)}.")
]
Settle = Annotated[int, typer.Option(min=0, help="Number of weeks of outcomes after the last claims.")]

MONDAY = datetime.fromisoformat(BookConfig.start.isoformat())


@app.command()
def claims(
    out: Out,
    weeks: Weeks = 1,
    rows: Rows = 5_000,
    seed: Seed = 7,
    start: Start = MONDAY,
    drift_from: DriftFrom = None,
    shift: Shift = 0.3,
    new_scheme: NewScheme = False,
    dirt: DirtShare = 0.0,
    kind: Kinds = None,
    duplicates: Duplicates = 0.0,
    corrections: Corrections = 0.0,
    late: Late = None,
    repeat: Repeat = None,
    shape: ShapeNames = None,
) -> None:
    """Write weekly claims files, clean by default."""
    config = _config(weeks, rows, seed, start, drift_from, shift, new_scheme)
    _write(config, out, _delivery(dirt, kind, duplicates, corrections, late, repeat, shape), ("claims",))


@app.command()
def outcomes(
    out: Out,
    weeks: Weeks = 1,
    rows: Rows = 5_000,
    seed: Seed = 7,
    start: Start = MONDAY,
    drift_from: DriftFrom = None,
    shift: Shift = 0.3,
    new_scheme: NewScheme = False,
    settle: Settle = 0,
) -> None:
    """Write weekly outcomes files about the claims that the same options produce."""
    config = _config(weeks, rows, seed, start, drift_from, shift, new_scheme)
    _write(config, out, Delivery(settling_weeks=settle), ("outcomes",))


@app.command()
def truth(
    out: Out,
    weeks: Weeks = 1,
    rows: Rows = 5_000,
    seed: Seed = 7,
    start: Start = MONDAY,
    drift_from: DriftFrom = None,
    shift: Shift = 0.3,
    new_scheme: NewScheme = False,
) -> None:
    """Write each claim's true probability of fraud, for evaluation; it is never part of a delivery."""
    config = _config(weeks, rows, seed, start, drift_from, shift, new_scheme)
    _write(config, out, Delivery(), ("truth",))


@app.command()
def book(
    out: Out,
    weeks: Weeks = 26,
    rows: Rows = 5_000,
    seed: Seed = 7,
    start: Start = MONDAY,
    drift_from: DriftFrom = None,
    shift: Shift = 0.3,
    new_scheme: NewScheme = False,
    dirt: DirtShare = 0.01,
    kind: Kinds = None,
    duplicates: Duplicates = 0.001,
    corrections: Corrections = 0.01,
    late: Late = None,
    repeat: Repeat = None,
    shape: ShapeNames = None,
    settle: Settle = 0,
) -> None:
    """Write claims, outcomes and truth, with the data errors of a usual week."""
    config = _config(weeks, rows, seed, start, drift_from, shift, new_scheme)
    delivery = _delivery(dirt, kind, duplicates, corrections, late, repeat, shape, settle)
    _write(config, out, delivery, ALL_PARTS)


@app.command()
def photos(
    out: Out,
    events: Annotated[
        int, typer.Option(min=1, help="Number of claims with photos: the first claims of the book.")
    ] = 8,
    seed: Seed = 7,
    start: Start = MONDAY,
    longest: Annotated[int, typer.Option(min=16, help="Length of the longer side in pixels.")] = 2_000,
) -> None:
    """Write photos of damage for claims of the same seed and start, and photos.json, which describes them."""
    config = _config(1, max(events, 1), seed, start, None, 0.0, False)
    deliver_photos(Book(config), out, events, longest, report=_print_photo)


def _config(
    weeks: int, rows: int, seed: int, start: datetime, drift_from: int | None, shift: float, new_scheme: bool
) -> BookConfig:
    drift = None if drift_from is None else Drift(drift_from, shift, new_scheme)
    try:
        return BookConfig(seed=seed, start=start.date(), weeks=weeks, claims_per_week=rows, drift=drift)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _delivery(
    dirt: float,
    kinds: list[Kind] | None,
    duplicates: float,
    corrections: float,
    late: list[int] | None,
    repeat: list[int] | None,
    shapes: list[str] | None,
    settle: int = 0,
) -> Delivery:
    return Delivery(
        dirt=Dirt(dirt, tuple(kinds or BREAKS_THE_CONTRACT)),
        duplicate_share=duplicates,
        correction_share=corrections,
        late_weeks=frozenset(late or ()),
        repeated_weeks=frozenset(repeat or ()),
        shapes=tuple(shapes or ("csv",)),
        settling_weeks=settle,
    )


def _write(config: BookConfig, out: Path, delivery: Delivery, parts: tuple[Part, ...]) -> None:
    try:
        deliver(config, out, delivery, parts, report=_print_file)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _print_file(file: Delivered) -> None:
    manifest = file.manifest
    notes = [f"{manifest.rows:,} rows"]
    if file.repeats:
        notes.append(f"the same bytes as {file.repeats}")
    elif file.part == "claims":
        notes += [
            f"{count:,} {what}"
            for count, what in (
                (len(manifest.damaged_rows), "bad"),
                (len(manifest.duplicates), "duplicates"),
                (len(manifest.corrected_rows), "corrections"),
            )
            if count
        ]
        if file.delivered_in != file.claims_week:
            notes.append(f"late: delivered in week {file.delivered_in}")
    typer.echo(f"{file.key}: {', '.join(notes)}")


def _print_photo(photo: SentPhoto) -> None:
    notes = [f"{photo.format} {photo.width} x {photo.height}"]
    if photo.facts.orientation != 1:
        notes.append(f"orientation {photo.facts.orientation}")
    if photo.reuses:
        notes.append(f"a copy of {photo.reuses}")
    if photo.broken:
        notes.append("broken")
    typer.echo(f"{photo.key}: {', '.join(notes)}")


if __name__ == "__main__":
    app(prog_name="python -m samples")
