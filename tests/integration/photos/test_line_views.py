"""A line's view contains every current claim with its photos, in whichever order they arrive."""

import random
from typing import Any

import pytest

from claimwatch.domain.contract.schema_change import PHOTO_COLUMNS
from claimwatch.photos.line_views import complete_lines
from claimwatch.storage.migrate import migrate
from tests.integration.contracts.conftest import env as env  # noqa: PLC0414 - the fixture
from tests.integration.contracts.environment import Environment
from tests.integration.photos.environment import PhotoEnvironment, picture
from tests.unit.contracts.sample_contracts import claim_id, column, contract_text, role, shared

EVENT = column("event_no", "string", customProperties=role("ignored"))
BY_EVENT = {"customProperties": shared(eventColumn="event_no")}


def put(env: Environment, *columns: Any, **changes: Any) -> str:
    return env.apply(env.put(contract_text(*columns, **changes), second=int(changes.pop("second", 0)))).status


def claim(env: Environment, claim_id: object, *, second: int = 0, **values: object) -> None:
    """Add a claim in a committed file of its own."""
    add(env, env.file(second=second), claim_id, 1, **values)


def add(env: Environment, file_id: int, claim_id: object, row: int = 1, **values: object) -> None:
    cells = {"claim_id": claim_id, "file_id": file_id, "row_number": row, **values}
    placeholders = ", ".join(["%s"] * len(cells))
    env.rows(f"INSERT INTO claim_home ({', '.join(cells)}) VALUES ({placeholders})", *cells.values())


def shown(env: Environment) -> list[tuple[Any, ...]]:
    return env.rows("SELECT claim_id, event_id, key FROM image_of_claim_home ORDER BY 1, 3")


def test_a_claim_is_shown_without_photos_until_they_arrive(
    env: Environment, photos: PhotoEnvironment
) -> None:
    put(env)
    claim(env, "H-1")
    assert shown(env) == [("H-1", "H-1", None)]
    photos.store("images/H-1/1.jpg")
    photos.store("images/H-1/2.jpg")
    assert shown(env) == [("H-1", "H-1", "images/H-1/1.jpg"), ("H-1", "H-1", "images/H-1/2.jpg")]


def test_photos_that_arrive_before_their_claim_are_shown_with_it(
    env: Environment, photos: PhotoEnvironment
) -> None:
    photos.store("images/H-1/1.jpg")
    put(env)
    assert shown(env) == []
    claim(env, "H-1")
    assert shown(env) == [("H-1", "H-1", "images/H-1/1.jpg")]


def test_the_view_shows_the_stored_values_of_a_photo(env: Environment, photos: PhotoEnvironment) -> None:
    put(env)
    claim(env, "H-1")
    photos.store("images/H-1/1.jpg", picture(-5))
    assert list(env.columns("image_of_claim_home")) == ["claim_id", "event_id", *PHOTO_COLUMNS]
    names = ", ".join(PHOTO_COLUMNS)
    assert env.rows(f"SELECT {names} FROM image_of_claim_home") == env.rows(
        f"SELECT {names} FROM claim_image"
    )


def test_only_current_claims_and_current_photos_are_shown(env: Environment, photos: PhotoEnvironment) -> None:
    put(env, EVENT, **BY_EVENT)
    claim(env, "H-1", second=2, event_no="new")
    claim(env, "H-1", second=1, event_no="old")
    add(env, env.file("loading", second=9), "H-1", event_no="loading")
    for event_id in ("new", "old", "loading"):
        photos.store(f"images/{event_id}/1.jpg")
    photos.store("images/new/1.jpg", second=5)
    assert shown(env) == [("H-1", "new", "images/new/1.jpg")]
    assert env.rows("SELECT version_id FROM image_of_claim_home") == [("2",)]


def test_photos_are_joined_by_the_event_column_of_the_contract(
    env: Environment, photos: PhotoEnvironment
) -> None:
    put(env, EVENT, **BY_EVENT)
    for number in (1, 2):  # one storm, two claims
        claim(env, f"H-{number}", event_no="storm")
    claim(env, "H-3", event_no=None)
    photos.store("images/storm/1.jpg")
    photos.store("images/H-3/1.jpg")
    assert shown(env) == [
        ("H-1", "storm", "images/storm/1.jpg"),
        ("H-2", "storm", "images/storm/1.jpg"),
        ("H-3", None, None),
    ]


def test_an_integer_identifier_is_joined_as_its_decimal_text(
    env: Environment, photos: PhotoEnvironment
) -> None:
    put(env, claim_id(logicalType="integer"))
    claim(env, 77)
    photos.store("images/77/1.jpg")
    photos.store("images/077/1.jpg")
    assert shown(env) == [(77, "77", "images/77/1.jpg")]


def test_a_new_version_of_the_contract_may_change_the_event_column(
    env: Environment, photos: PhotoEnvironment
) -> None:
    put(env, EVENT)
    photos.store("images/H-1/1.jpg")
    photos.store("images/storm/1.jpg")
    claim(env, "H-1", event_no="storm")
    assert shown(env) == [("H-1", "H-1", "images/H-1/1.jpg")]
    env.rows("CREATE VIEW report AS SELECT key FROM image_of_claim_home")

    assert put(env, EVENT, version="1.1.0", **BY_EVENT) == "applied"
    assert shown(env) == [("H-1", "storm", "images/storm/1.jpg")]
    assert "event_no" in indexes(env)["claim_home_by_event"]

    other = column("damage_no", "integer", customProperties=role("ignored"))
    by_other = {"customProperties": shared(eventColumn="damage_no")}
    assert put(env, EVENT, other, version="1.2.0", **by_other) == "applied"
    assert "damage_no" in indexes(env)["claim_home_by_event"]
    assert shown(env) == [("H-1", None, None)]

    assert put(env, EVENT, other, version="1.3.0") == "applied"
    assert "claim_home_by_event" not in indexes(env)
    assert shown(env) == [("H-1", "H-1", "images/H-1/1.jpg")]


def test_a_former_event_column_can_be_widened(env: Environment, photos: PhotoEnvironment) -> None:
    number = column("damage_no", "integer", customProperties=role("ignored"))
    put(env, number, customProperties=shared(eventColumn="damage_no"))
    wider = column("damage_no", "number", customProperties=role("ignored"))
    assert put(env, wider, version="1.1.0") == "applied"
    claim(env, "H-1", damage_no=1.5)
    photos.store("images/H-1/1.jpg")
    assert shown(env) == [("H-1", "H-1", "images/H-1/1.jpg")]


@pytest.mark.parametrize("by", [{}, BY_EVENT])
def test_the_photos_of_one_event_are_found_by_indexes(
    env: Environment, photos: PhotoEnvironment, by: dict[str, Any]
) -> None:
    put(env, EVENT, **by)
    file_id = env.file()
    env.rows(
        "INSERT INTO claim_home (claim_id, file_id, row_number, event_no)"
        " SELECT 'c' || n, %s, n, 'e' || n FROM generate_series(1, 20000) AS n",
        file_id,
    )
    env.rows(
        """
        INSERT INTO claim_image (event_id, bucket, key, version_id, sha256, phash, format, width, height,
                                 frames, size_bytes, display, thumbnail, received_at)
        SELECT letter || n, 'landing', 'images/' || letter || n || '/1', '1', '', 1, 'JPEG', 1, 1,
               1, 1, '', '', now()
        FROM generate_series(1, 10000) AS n, unnest(ARRAY['c', 'e']) AS letter
        """
    )
    env.rows("ANALYZE claim_home, claim_image")
    event_id = "e77" if by else "c77"
    for condition in (f"event_id = '{event_id}'", "claim_id = 'c77'"):
        assert env.rows(f"SELECT claim_id, event_id, key FROM image_of_claim_home WHERE {condition}") == [
            ("c77", event_id, f"images/{event_id}/1")
        ]
        plan = "\n".join(
            line for (line,) in env.rows(f"EXPLAIN SELECT * FROM image_of_claim_home WHERE {condition}")
        )
        assert "Seq Scan on claim_home" not in plan, plan
        assert "Seq Scan on claim_image" not in plan, plan


def test_the_view_contains_the_same_claims_as_the_current_view_of_the_line(env: Environment) -> None:
    put(env, EVENT, **BY_EVENT)
    draw = random.Random(3)
    for _ in range(25):
        second, sequencer = draw.randrange(3), draw.choice(["", "0a", "0B"])
        file_id = env.file(draw.choice(["committed", "failed"]), second=second, sequencer=sequencer)
        for row, number in enumerate(draw.sample(range(12), 5)):
            add(env, file_id, f"H-{number}", row, event_no=f"{file_id}/{row}")
    expected = env.rows("SELECT claim_id, event_no FROM current_claim_home ORDER BY 1")
    assert len(expected) > 8
    assert env.rows("SELECT claim_id, event_id FROM image_of_claim_home ORDER BY 1") == expected


def test_lines_with_an_older_contract_get_their_view_once(env: Environment, photos: PhotoEnvironment) -> None:
    put(env, EVENT, **BY_EVENT)
    claim(env, "H-1", event_no="storm")
    photos.store("images/storm/1.jpg")
    env.rows("DROP VIEW image_of_claim_home, image_of_claim_motor")
    env.rows("DROP INDEX claim_home_by_event")
    assert complete_lines(env.database) == ["home", "motor"]
    assert shown(env) == [("H-1", "storm", "images/storm/1.jpg")]
    assert "claim_home_by_event" in indexes(env)
    assert complete_lines(env.database) == []


def test_views_of_an_earlier_release_get_its_new_columns(env: Environment, photos: PhotoEnvironment) -> None:
    put(env)
    claim(env, "H-1")
    photos.store("images/H-1/1.jpg")
    names = ", ".join(f"i.{column}" for column in PHOTO_COLUMNS[:-1])
    env.rows("DROP VIEW image_of_claim_home")
    env.rows(
        f"CREATE VIEW image_of_claim_home AS SELECT c.claim_id, c.claim_id AS event_id, {names}"
        " FROM claim_home AS c LEFT JOIN current_claim_image AS i ON i.event_id = c.claim_id"
    )
    env.rows("ALTER VIEW image_of_claim_home OWNER TO claimwatch_contracts")
    assert complete_lines(env.database) == ["home"]
    assert complete_lines(env.database) == []
    assert list(env.columns("image_of_claim_home")) == ["claim_id", "event_id", *PHOTO_COLUMNS]
    assert shown(env) == [("H-1", "H-1", "images/H-1/1.jpg")]


def test_contracts_applied_before_photos_were_supported_can_be_updated(env: Environment) -> None:
    """Their stored columns have no `event` entry."""
    put(env, EVENT)
    env.rows("DROP VIEW image_of_claim_home")
    env.rows(
        "UPDATE contract SET columns ="
        " (SELECT jsonb_object_agg(key, value - 'event') FROM jsonb_each(columns))"
    )
    assert migrate(env.database) == []
    assert complete_lines(env.database) == ["home"]
    assert put(env, EVENT, version="1.1.0", **BY_EVENT) == "applied"
    claim(env, "H-1", event_no="storm")
    assert shown(env) == [("H-1", "storm", None)]


def indexes(env: Environment) -> dict[str, str]:
    return dict(env.rows("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'claim_home'"))
