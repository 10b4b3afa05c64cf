"""Commands about photos: the stored photos of an event, and photos used for more than one event."""

import re
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer

from claimwatch.domain.validation.identifier_text import clean_identifier
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
    """Show the photos of an event, similar photos of other events, and refused files."""
    at = stack_of(ctx, stack)
    event_id = clean_identifier(event_id) or event_id
    with at.database.transaction() as cursor:
        found = photos.photos_of_event(cursor, event_id)
        matches = photos.matches_of_event(cursor, event_id)
        refused = photos.refused_of_event(cursor, event_id)
        if not found and not refused:
            raise RefusedData(
                f"no photos of event '{event_id}' were received: drop them as images/{event_id}/<name> into"
                f" {at.landing_bucket}"
            )
        saved = _save(cursor, found, save) if save is not None else {}
    if as_json:
        described = [_as_json(photo, matches, saved) for photo in found]
        show_json({"event_id": event_id, "photos": described, "refused": refused})
        return
    if found:
        _show_photos(found, matches)
    if refused:
        show_table(
            ("refused (received, UTC)", "key", "reason"),
            [(photo["received_at"], photo["key"], photo["reason"]) for photo in refused],
        )
    if save is not None:
        show(f"Saved {counted(len(saved), 'photo')} in {save}.")


def images(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="Number of matches to show, the newest first.")] = 20,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Count stored, current and refused photos, and list photos used for more than one event."""
    at = stack_of(ctx, stack)
    with at.database.transaction() as cursor:
        counts = photos.counts(cursor)
        reasons = photos.refused_by_reason(cursor, SHOWN_REASONS)
        matches = photos.recent_matches(cursor, limit)
    if as_json:
        show_json({**counts, "refused_by_reason": reasons, "matches": matches})
        return
    show(
        f"{counted(counts['stored'], 'photo version')} stored, {counts['current']:,} current,"
        f" {counts['refused']:,} refused; {counted(counts['reused_pairs'], 'pair')} of similar photos"
        " under different events."
    )
    if reasons:
        show_table(("refused", "reason"), [(reason["photos"], reason["reason"]) for reason in reasons])
    if matches:
        show_table(
            ("found (UTC)", "event", "photo", "similar to event", "photo", "differing bits"),
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
        ("photo", "received (UTC)", "key", "state", "format", "taken (UTC)", "position", "similar to event"),
        [
            (
                photo["image_id"],
                photo["received_at"],
                photo["key"],
                photo["state"],
                _format(photo),
                photo["taken_at"] or _local(photo["taken_at_local"]),
                _position(photo),
                [
                    f"{match['event_id']} ({counted(match['distance'], 'differing bit')})"
                    for match in matches
                    if match["image_id"] == photo["image_id"]
                ],
            )
            for photo in found
        ],
    )


def _format(photo: dict[str, Any]) -> str:
    frames = f", {photo['frames']:,} frames" if photo["frames"] > 1 else ""
    return f"{photo['format']} {photo['width']} x {photo['height']}{frames}"


def _local(taken: datetime | None) -> str | None:
    return f"{taken:%Y-%m-%d %H:%M} by its clock" if taken else None


def _position(photo: dict[str, Any]) -> str | None:
    return None if photo["latitude"] is None else f"{photo['latitude']:.5f}, {photo['longitude']:.5f}"


def _as_json(photo: dict[str, Any], matches: list[dict[str, Any]], saved: dict[int, Path]) -> dict[str, Any]:
    """Return a photo for JSON, with the hash as text: many JSON readers do not preserve 64-bit integers."""
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
    """Write the display copies of the current photos; return their files by photo number.

    Raises ``RefusedData`` before anything is written if one of the files exists.
    """
    current = [photo for photo in found if photo["state"] == "current"]
    paths = {
        photo["image_id"]: folder / _file_name(number, photo["key"])
        for number, photo in enumerate(current, 1)
    }
    existing = next((path for path in paths.values() if path.exists() or path.is_symlink()), None)
    if existing is not None:
        raise RefusedData(f"{existing} already exists: choose another folder, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    for image_id, path in paths.items():
        with path.open("xb") as file:
            file.write(photos.display_copy(cursor, image_id))
    return paths


def _file_name(number: int, key: str) -> str:
    """Return a file name that stays in the folder for any key: one segment without special characters."""
    stem = _UNSAFE.sub("_", PurePosixPath(key.rsplit("/", 1)[-1]).stem).strip("._-")
    return f"{number}-{stem[:_LONGEST_NAME] or 'photo'}.jpg"
