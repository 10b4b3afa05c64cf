"""A line's view shows every current claim with its photos, whichever came first."""

import random
from typing import Any

import pytest

from claimwatch.domain.contract.schema_change import PHOTO_COLUMNS
from claimwatch.photos.line_views import complete_lines
from claimwatch.storage.migrate import migrate
from tests.integration.contracts.conftest import env as env  # noqa: PLC0414 - the fixture
from tests.integration.contracts.environment import Environment
from tests.integration.photos.environment import Studio, picture
from tests.unit.contracts.sample_contracts import claim_id, column, contract_text, role, shared

EVENT = column("event_no", "string", customProperties=role("ignored"))
BY_EVENT = {"customProperties": shared(eventColumn="event_no")}


def put(env: Environment, *columns: Any, **changes: Any) -> str:
    return env.apply(env.put(contract_text(*columns, **changes), second=int(changes.pop("second", 0)))).status


def claim(env: Environment, claim_id: object, *, second: int = 0, row: int = 1, **values: object) -> int:
    """A committed claim in a file of its own."""
    file_id = env.file(second=second)
    add(env, file_id, claim_id, row, **values)
    return file_id


def add(env: Environment, file_id: int, claim_id: object, row: int = 1, **values: object) -> None:
    row_of = {"claim_id": claim_id, "file_id": file_id, "row_number": row, **values}
    places = ", ".join(["%s"] * len(row_of))
    env.rows(f"INSERT INTO claim_home ({', '.join(row_of)}) VALUES ({places})", *row_of.values())


def shown(env: Environment) -> list[tuple[Any, ...]]:
    return env.rows("SELECT claim_id, event_id, key FROM image_of_claim_home ORDER BY 1, 3")


def test_a_claim_is_shown_before_its_photos_come_and_with_them_afterwards(
    env: Environment, studio: Studio
) -> None:
    put(env)
    claim(env, "H-1")
    assert shown(env) == [("H-1", "H-1", None)]
    studio.stored("images/H-1/1.jpg")
    studio.stored("images/H-1/2.jpg")
    assert shown(env) == [("H-1", "H-1", "images/H-1/1.jpg"), ("H-1", "H-1", "images/H-1/2.jpg")]


def test_photos_that_come_before_their_claim_wait_for_it(env: Environment, studio: Studio) -> None:
    studio.stored("images/H-1/1.jpg")
    put(env)
    assert shown(env) == []
    claim(env, "H-1")
    assert shown(env) == [("H-1", "H-1", "images/H-1/1.jpg")]


def test_what_is_shown_of_a_photo_is_what_is_stored_of_it(env: Environment, studio: Studio) -> None:
    put(env)
    claim(env, "H-1")
    studio.stored("images/H-1/1.jpg", picture(-5))
    assert list(env.columns("image_of_claim_home")) == ["claim_id", "event_id", *PHOTO_COLUMNS]
    names = ", ".join(PHOTO_COLUMNS)
    assert env.rows(f"SELECT {names} FROM image_of_claim_home") == env.rows(
        f"SELECT {names} FROM claim_image"
    )


def test_only_current_claims_and_current_photos_are_shown(env: Environment, studio: Studio) -> None:
    put(env, EVENT, **BY_EVENT)
    claim(env, "H-1", second=2, event_no="new")
    claim(env, "H-1", second=1, event_no="old")
    add(env, env.file("loading", second=9), "H-1", event_no="loading")
    for event_id in ("new", "old", "loading"):
        studio.stored(f"images/{event_id}/1.jpg")
    studio.stored("images/new/1.jpg", second=5)
    assert shown(env) == [("H-1", "new", "images/new/1.jpg")]
    assert env.rows("SELECT version_id FROM image_of_claim_home") == [("2",)]


def test_photos_are_joined_by_the_column_that_the_contract_names(env: Environment, studio: Studio) -> None:
    put(env, EVENT, **BY_EVENT)
    for number in (1, 2):  # one storm, two claims
        claim(env, f"H-{number}", event_no="storm")
    claim(env, "H-3", event_no=None)
    studio.stored("images/storm/1.jpg")
    studio.stored("images/H-3/1.jpg")
    assert shown(env) == [
        ("H-1", "storm", "images/storm/1.jpg"),
        ("H-2", "storm", "images/storm/1.jpg"),
        ("H-3", None, None),
    ]


def test_an_identifier_that_is_a_number_is_joined_as_it_is_written(env: Environment, studio: Studio) -> None:
    put(env, claim_id(logicalType="integer"))
    claim(env, 77)
    studio.stored("images/77/1.jpg")
    studio.stored("images/077/1.jpg")
    assert shown(env) == [(77, "77", "images/77/1.jpg")]


def test_a_new_version_of_the_contract_may_name_another_column(env: Environment, studio: Studio) -> None:
    put(env, EVENT)
    studio.stored("images/H-1/1.jpg")
    studio.stored("images/storm/1.jpg")
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


def test_a_column_that_photos_were_joined_by_can_be_widened(env: Environment, studio: Studio) -> None:
    number = column("damage_no", "integer", customProperties=role("ignored"))
    put(env, number, customProperties=shared(eventColumn="damage_no"))
    wider = column("damage_no", "number", customProperties=role("ignored"))
    assert put(env, wider, version="1.1.0") == "applied"
    claim(env, "H-1", damage_no=1.5)
    studio.stored("images/H-1/1.jpg")
    assert shown(env) == [("H-1", "H-1", "images/H-1/1.jpg")]


@pytest.mark.parametrize("by", [{}, BY_EVENT])
def test_one_event_id_is_found_without_reading_every_claim_or_photo(
    env: Environment, studio: Studio, by: dict[str, Any]
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


def test_the_claims_are_those_of_the_line_s_own_view(env: Environment) -> None:
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


def test_lines_whose_contract_was_there_before_get_their_view_once(env: Environment, studio: Studio) -> None:
    put(env, EVENT, **BY_EVENT)
    claim(env, "H-1", event_no="storm")
    studio.stored("images/storm/1.jpg")
    env.rows("DROP VIEW image_of_claim_home, image_of_claim_motor")
    env.rows("DROP INDEX claim_home_by_event")
    assert complete_lines(env.database) == ["home", "motor"]
    assert shown(env) == [("H-1", "storm", "images/storm/1.jpg")]
    assert "claim_home_by_event" in indexes(env)
    assert complete_lines(env.database) == []


def test_contracts_that_are_older_than_photos_can_go_on(env: Environment) -> None:
    """What their columns were stored as says nothing of events."""
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
