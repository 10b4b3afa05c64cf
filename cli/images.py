"""Commands about photos: what is kept of a claim's photos, and which are used again."""

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer

from claimwatch.errors import RefusedData
from claimwatch.storage import images as photos
from cli.options import AsJson, StackName, stack_of
from cli.screen import counted, say, show, show_json, show_table

SHOWN_REASONS = 20
_LONGEST_NAME = 60
_UNSAFE = re.compile(r"[^\w.-]+")


def image(
    ctx: typer.Context,
    event_id: Annotated[
        str, typer.Argument(help="The event id: the photos were dropped under images/<event id>/.")
    ],
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="DIR",
            file_okay=False,
            help="Write the display copies of the current photos into this folder, as <n>-<name>.jpg.",
            show_default=False,
        ),
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """The photos of an event: their facts, photos of other events that are like them, what was refused."""
    at = stack_of(ctx, stack)
    with at.database.transaction() as cursor:
        found = photos.photos_of_event(cursor, event_id)
        matches = photos.matches_of_event(cursor, event_id)
        refused = photos.refused_of_event(cursor, event_id)
        if not found and not refused:
            raise RefusedData(
                f"no photo of event '{event_id}' has come: drop it as images/{event_id}/<name> into"
                f" {at.landing_bucket}"
            )
        saved = _save(cursor, found, save) if save is not None else {}
    if as_json:
        described = [_described(photo, matches, saved) for photo in found]
        show_json({"event_id": event_id, "photos": described, "refused": refused})
        return
    if found:
        _show_photos(found, matches)
    if refused:
        show_table(
            ("refused (received, UTC)", "key", "why"),
            [(photo["received_at"], photo["key"], photo["reason"]) for photo in refused],
        )
    if save is not None:
        show(f"Saved {counted(len(saved), 'photo')} in {save}.")


def images(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many matches, the newest first.")] = 20,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """All photos counted: stored, current, refused by reason, and the photos that are used again."""
    at = stack_of(ctx, stack)
    with at.database.transaction() as cursor:
        counts = photos.counts(cursor)
        reasons = photos.refused_by_reason(cursor, SHOWN_REASONS)
        matches = photos.recent_matches(cursor, limit)
    if as_json:
        show_json({**counts, "refused_by_reason": reasons, "matches": matches})
        return
    pairs = counted(counts["reused_pairs"], "pair")
    show(
        f"{counted(counts['stored'], 'version')} of photos stored, {counts['current']:,} current;"
        f" {counts['refused']:,} refused; {pairs} alike under different events."
    )
    if reasons:
        show_table(("refused", "why"), [(reason["photos"], reason["reason"]) for reason in reasons])
    if matches:
        show_table(
            ("found (UTC)", "event", "photo", "is like event", "photo", "bits apart"),
            [
                (
                    match["found_at"],
                    match["event_id"],
                    match["key"],
                    match["other_event_id"],
                    match["other_key"],
                    match["distance"],
                )
                for match in matches
            ],
        )
    say(f"In {at.title}.", "dim")


def _show_photos(found: list[dict[str, Any]], matches: list[dict[str, Any]]) -> None:
    show_table(
        ("photo", "received (UTC)", "key", "state", "is", "taken (UTC)", "where", "is like event"),
        [
            (
                photo["image_id"],
                photo["received_at"],
                photo["key"],
                photo["state"],
                _kind(photo),
                photo["taken_at"],
                _place(photo),
                [
                    f"{match['event_id']} ({counted(match['distance'], 'bit')} apart)"
                    for match in matches
                    if match["image_id"] == photo["image_id"]
                ],
            )
            for photo in found
        ],
    )


def _kind(photo: dict[str, Any]) -> str:
    frames = f", {photo['frames']:,} frames" if photo["frames"] > 1 else ""
    return f"{photo['format']} {photo['width']} x {photo['height']}{frames}"


def _place(photo: dict[str, Any]) -> str | None:
    return None if photo["latitude"] is None else f"{photo['latitude']:.5f}, {photo['longitude']:.5f}"


def _described(
    photo: dict[str, Any], matches: list[dict[str, Any]], saved: dict[int, Path]
) -> dict[str, Any]:
    """A photo as JSON; the hash as text, for a number of 64 bits does not survive every reader."""
    phash = photo["phash"]
    described = photo | {
        "phash": None if phash is None else f"{phash & (1 << 64) - 1:016x}",
        "matches": [
            {name: value for name, value in match.items() if name != "image_id"}
            for match in matches
            if match["image_id"] == photo["image_id"]
        ],
    }
    if photo["image_id"] in saved:
        described["saved"] = str(saved[photo["image_id"]])
    return described


def _save(cursor: Any, found: list[dict[str, Any]], folder: Path) -> dict[int, Path]:
    """Write the display copies of the current photos; the files by the numbers of the photos.

    Nothing is written over: what is there already refuses all of them.
    """
    current = [photo for photo in found if photo["state"] == "current"]
    paths = {
        photo["image_id"]: folder / _file_name(number, photo["key"])
        for number, photo in enumerate(current, 1)
    }
    there = next((path for path in paths.values() if path.exists() or path.is_symlink()), None)
    if there is not None:
        raise RefusedData(f"{there} is there already: choose another folder, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    for image_id, path in paths.items():
        with path.open("xb") as file:
            file.write(photos.display_copy(cursor, image_id))
    return paths


def _file_name(number: int, key: str) -> str:
    """A name in the folder and nowhere else, whatever the key says: one segment, and no sign that means
    anything to a shell or a file system."""
    stem = _UNSAFE.sub("_", PurePosixPath(key.rsplit("/", 1)[-1]).stem).strip("._-")
    return f"{number}-{stem[:_LONGEST_NAME] or 'photo'}.jpg"
