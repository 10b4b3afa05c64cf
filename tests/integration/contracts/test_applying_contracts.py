"""A contract that is put in place is applied once, wholly or not at all, and told when it cannot be."""

import threading
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from claimwatch.domain.contract.contract_draft import draft_contract
from claimwatch.errors import RefusedData, TransientFault
from claimwatch.storage import contracts
from tests.cluster import database_at
from tests.integration.contracts.environment import House
from tests.unit.contracts.sample_contracts import claim_id, column, contract_text, role

AMOUNT = column("amount", "integer")
FUEL = column("fuel", "string", required=True, description='What it runs on; it\'s "told" at 100 %.')


def entries(house: House) -> list[tuple[str | None, str]]:
    return [
        (version, status)
        for version, status in house.rows(
            "SELECT version, status FROM contract WHERE line = 'home' ORDER BY contract_id"
        )
    ]


def running_version(house: House) -> str | None:
    with house.database.transaction() as cursor:
        found = contracts.running(cursor, "claims", "home")
    return found.version if found else None


def test_a_first_contract_makes_the_table_and_the_view(house: House) -> None:
    applied = house.apply(house.put(contract_text(AMOUNT)))
    assert (applied.status, applied.version) == ("applied", "1.0.0")
    expected = {
        "claim_id": "text",
        "reported_at": "timestamp with time zone",
        "amount": "bigint",
        "file_id": "bigint",
        "row_number": "bigint",
        "extra": "jsonb",
    }
    assert house.columns("claim_home") == expected
    assert house.columns("current_claim_home") == expected
    assert running_version(house) == "1.0.0"
    assert house.told.messages == []


def test_the_same_event_twice_has_its_effect_once(house: House) -> None:
    created = house.put(contract_text(AMOUNT))
    assert [house.apply(created).status for _ in range(3)] == ["applied"] * 3
    assert entries(house) == [("1.0.0", "applied")]


def test_the_same_text_again_changes_nothing(house: House) -> None:
    house.apply(house.put(contract_text(AMOUNT)))
    again = house.apply(house.put(contract_text(AMOUNT), second=5))
    assert (again.status, again.notes) == ("applied", ())
    assert running_version(house) == "1.0.0"


def test_two_that_apply_at_once_do_it_once(house: House, database_url: str) -> None:
    created = house.put(contract_text(AMOUNT))
    became: list[str] = []

    def apply() -> None:
        with closing(database_at(database_url)) as database:
            became.append(house.apply(created, database).status)

    threads = [threading.Thread(target=apply) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert became == ["applied"] * 4
    assert entries(house) == [("1.0.0", "applied")]


def test_a_version_with_more_columns_migrates_by_itself_under_the_views_of_others(house: House) -> None:
    house.apply(house.put(contract_text(AMOUNT)))
    file_id = house.file()
    house.rows(
        "INSERT INTO claim_home (claim_id, file_id, row_number, amount) VALUES ('a', %s, 1, 5)", file_id
    )
    house.rows("CREATE VIEW report AS SELECT amount FROM current_claim_home")
    applied = house.apply(house.put(contract_text(AMOUNT, FUEL, version="1.1.0"), second=1))
    assert applied.notes == ("column 'fuel' is new; it is empty in rows loaded earlier",)
    assert house.rows("SELECT claim_id, amount, fuel FROM current_claim_home") == [("a", 5, None)]
    assert house.rows("SELECT amount FROM report") == [(5,)]
    [(comment,)] = house.rows(
        "SELECT col_description('claim_home'::regclass, attnum) FROM pg_attribute WHERE attname = 'fuel' "
        "AND attrelid = 'claim_home'::regclass"
    )
    assert comment == FUEL["description"]


def test_a_column_that_is_left_out_keeps_what_it_has(house: House) -> None:
    house.apply(house.put(contract_text(AMOUNT, FUEL)))
    house.rows(
        "INSERT INTO claim_home (claim_id, file_id, row_number, fuel) VALUES ('a', %s, 1, 'gas')",
        house.file(),
    )
    applied = house.apply(house.put(contract_text(AMOUNT, version="2.0.0"), second=1))
    assert applied.notes == (
        "column 'fuel' is not in the contract; it is kept, and new files leave it empty",
    )
    assert house.rows("SELECT fuel FROM current_claim_home") == [("gas",)]
    back = house.apply(house.put(contract_text(FUEL, AMOUNT, version="2.1.0"), second=2))
    assert (back.status, back.notes) == ("applied", ())


def test_whole_numbers_that_become_any_numbers_stay_what_they_were(house: House) -> None:
    house.apply(house.put(contract_text(AMOUNT)))
    house.rows(
        "INSERT INTO claim_home (claim_id, file_id, row_number, amount) VALUES ('a', %s, 1, 5)", house.file()
    )
    house.apply(house.put(contract_text(column("amount", "number"), version="1.1.0"), second=1))
    assert house.columns("claim_home")["amount"] == "numeric"
    assert house.columns("current_claim_home")["amount"] == "numeric"
    assert house.rows("SELECT amount FROM current_claim_home WHERE claim_id = 'a'") == [(5,)]


def test_a_contract_that_cannot_be_applied_is_told_once_and_the_running_one_stays(house: House) -> None:
    house.apply(house.put(contract_text(AMOUNT)))
    before = house.columns("claim_home")
    bad = house.put(contract_text(column("amount", "date"), FUEL, version="2.0.0"), second=1)
    assert [house.apply(bad).status for _ in range(3)] == ["refused"] * 3
    assert running_version(house) == "1.0.0"
    assert house.columns("claim_home") == before
    [(subject, message)] = house.told.messages
    assert subject == "Claimwatch refused a contract: line home"
    assert "column 'amount': its values are stored as integer and cannot be converted to date" in message
    assert "s3://artifacts/contracts/home.yaml (version 2)" in message
    [(error,)] = house.rows("SELECT error FROM contract WHERE status = 'refused'")
    assert error in message


def test_a_mended_contract_is_applied(house: House) -> None:
    house.apply(house.put(contract_text(column("amount", "blob"))))
    assert house.apply(house.put(contract_text(AMOUNT), second=1)).status == "applied"
    assert entries(house) == [(None, "refused"), ("1.0.0", "applied")]


def test_people_are_told_even_if_the_first_try_to_tell_them_failed(house: House) -> None:
    house.told.fault = TransientFault("SNS did not answer")
    bad = house.put("a: [")
    with pytest.raises(TransientFault):
        house.apply(bad)
    assert house.apply(bad).status == "refused"
    assert len(house.told.messages) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the file is not a contract"),
        (b"\xff\xfea", "byte 1 of the file is not UTF-8"),
        (b"a: \x00", "byte 4 of the file is zero"),
        (b"a: [", "invalid YAML"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "it is no text"),
        (b"#" * (5 << 20), "the file is larger than"),
        (b"#" * (2 << 20), "the maximum is"),
    ],
)
def test_whatever_is_put_there_is_refused_with_a_reason(house: House, body: bytes, reason: str) -> None:
    assert house.apply(house.put(body)).status == "refused"
    [(_, message)] = house.told.messages
    assert reason in message


def test_a_contract_saved_by_an_editor_that_writes_a_byte_order_mark_is_read(house: House) -> None:
    assert house.apply(house.put(contract_text(AMOUNT).encode("utf-8-sig"))).status == "applied"


@pytest.mark.parametrize("line", ["Home", "home-owners", "1st"])
def test_a_contract_at_a_place_that_is_no_line_is_refused(house: House, line: str) -> None:
    assert house.apply(house.put(contract_text(), line=line)).status == "refused"
    assert "beginning with a letter" in house.told.messages[0][1]


def test_an_object_that_is_gone_is_ignored(house: House) -> None:
    created = house.put(contract_text())
    house.objects.path(created.ref).unlink()
    assert house.apply(created).status == "ignored"


# -- order ---------------------------------------------------------------------------------------------------


def test_an_older_contract_that_arrives_late_replaces_nothing_and_is_no_mistake(house: House) -> None:
    older = house.put(contract_text(AMOUNT, version="1.0.0"), second=0)
    newer = house.put(contract_text(AMOUNT, FUEL, version="1.1.0"), second=9)
    assert house.apply(newer).status == "applied"
    assert house.apply(older).status == "superseded"
    assert running_version(house) == "1.1.0"
    assert house.told.messages == []


def test_within_one_second_the_sequencer_tells_which_came_first(house: House) -> None:
    older = house.put(contract_text(AMOUNT), sequencer="0055AED6DCD90281E4")
    newer = house.put(contract_text(AMOUNT, FUEL, version="1.1.0"), sequencer="0055AED6DCD90281E5")
    assert [house.apply(newer).status, house.apply(older).status] == ["applied", "superseded"]


def test_a_higher_version_is_applied_whenever_it_arrives(house: House) -> None:
    higher = house.put(contract_text(AMOUNT, FUEL, version="2.0.0"), second=0)
    lower = house.put(contract_text(AMOUNT, version="1.0.0"), second=9)
    assert [house.apply(lower).status, house.apply(higher).status] == ["applied", "applied"]
    assert running_version(house) == "2.0.0"


@pytest.mark.parametrize("version", ["1.0.0", "0.9.0"])
def test_a_changed_contract_has_to_raise_its_version(house: House, version: str) -> None:
    house.apply(house.put(contract_text(AMOUNT)))
    assert house.apply(house.put(contract_text(AMOUNT, FUEL, version=version), second=1)).status == "refused"
    assert "raise the version" in house.told.messages[0][1]
    assert running_version(house) == "1.0.0"


# -- what waited ---------------------------------------------------------------------------------------------


def test_files_that_waited_are_replayed_in_the_order_in_which_they_came(house: House) -> None:
    late, early = house.file("parked", second=9), house.file("parked", second=1)
    house.file("parked", line="motor")
    house.file("refused")
    assert house.apply(house.put(contract_text(AMOUNT))).replayed == 2
    assert house.replayed == [early, late]


def test_files_that_could_not_be_replayed_are_replayed_when_the_event_comes_again(house: House) -> None:
    first, second = house.file("parked", second=1), house.file("parked", second=2)

    def replay(file_id: int) -> None:
        if file_id == second and not house.told.messages:
            house.told.publish("failed", "once")
            raise TransientFault("Step Functions did not answer")
        house.rows("UPDATE file SET status = 'received' WHERE file_id = %s", file_id)
        house.replayed.append(file_id)

    house.on_replay = replay
    created = house.put(contract_text(AMOUNT))
    with pytest.raises(TransientFault):
        house.apply(created)
    assert house.apply(created).status == "applied"
    assert house.replayed == [first, second]


def test_a_file_that_was_committed_meanwhile_holds_up_no_other(house: House) -> None:
    first, second = house.file("parked", second=1), house.file("parked", second=2)

    def replay(file_id: int) -> None:
        if file_id == first:
            raise RefusedData("it is committed")
        house.replayed.append(file_id)

    house.on_replay = replay
    assert house.apply(house.put(contract_text(AMOUNT))).replayed == 1
    assert house.replayed == [second]


def test_a_refused_contract_replays_nothing(house: House) -> None:
    house.file("parked")
    house.apply(house.put("a: ["))
    assert house.replayed == []


# -- faults --------------------------------------------------------------------------------------------------


def test_a_change_waits_for_a_file_that_is_being_loaded_and_then_goes_through(
    house: House, database_url: str
) -> None:
    house.apply(house.put(contract_text(AMOUNT)))
    with closing(psycopg2.connect(database_url)) as loader:
        loader.cursor().execute("LOCK TABLE claimwatch.claim_home IN ROW EXCLUSIVE MODE")
        house.on_sleep = lambda _: loader.rollback()
        assert (
            house.apply(house.put(contract_text(AMOUNT, FUEL, version="1.1.0"), second=1)).status == "applied"
        )
    assert "fuel" in house.columns("claim_home")


def test_a_change_that_cannot_wait_longer_is_a_passing_fault_and_leaves_nothing(
    house: House, database_url: str
) -> None:
    house.apply(house.put(contract_text(AMOUNT)))
    changed = house.put(contract_text(AMOUNT, FUEL, version="1.1.0"), second=1)
    with closing(psycopg2.connect(database_url)) as loader:
        loader.cursor().execute("LOCK TABLE claimwatch.claim_home IN ROW EXCLUSIVE MODE")
        with pytest.raises(TransientFault):
            house.apply(changed)
    assert house.slept
    assert entries(house) == [("1.0.0", "applied")]
    assert house.apply(changed).status == "applied"


def test_a_connection_that_breaks_in_the_middle_leaves_nothing_and_the_next_try_does_it_all(
    house: House,
) -> None:
    created = house.put(contract_text(AMOUNT))
    house.rows(
        """
        CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
        CREATE TRIGGER broken BEFORE INSERT ON contract FOR EACH ROW EXECUTE FUNCTION broken()
        """
    )

    def mend(_: float) -> None:
        house.rows("DROP TRIGGER IF EXISTS broken ON contract")

    house.on_sleep = mend
    assert house.apply(created).status == "applied"
    assert entries(house) == [("1.0.0", "applied")]


def test_what_others_built_on_the_view_stops_a_change_of_type_with_a_reason(house: House) -> None:
    house.apply(house.put(contract_text(AMOUNT)))
    house.rows("CREATE VIEW report AS SELECT amount FROM current_claim_home")
    assert (
        house.apply(house.put(contract_text(column("amount", "number"), version="2.0.0"), second=1)).status
        == "refused"
    )
    assert "view report depends on" in house.told.messages[0][1]
    assert house.columns("claim_home")["amount"] == "bigint"


# -- names and files of others -------------------------------------------------------------------------------


def test_names_that_mean_something_in_sql_are_only_names(house: House) -> None:
    names = ["c", "f", "select", "user", "Claim Amount", "a.b", "x-y", "Schadenhöhe", "ä" * 31, "status"]
    columns = [column(name, "string", description="'; DROP TABLE claimwatch.file; --") for name in names]
    number = claim_id(name="Claim No.", logicalType="integer")
    text = contract_text(claim_id(customProperties=role("ignored"), unique=False), number, *columns)
    assert house.apply(house.put(text)).status == "applied"
    assert set(names) < set(house.columns("current_claim_home"))
    house.rows(
        'INSERT INTO claim_home ("Claim No.", file_id, row_number, "c") VALUES (7, %s, 1, \'x\')',
        house.file(),
    )
    assert house.rows('SELECT "Claim No.", c FROM current_claim_home') == [(7, "x")]


def test_a_draft_made_from_a_file_is_applied_as_it_is(house: House) -> None:
    rows = [[f"P{n}", f"2024-01-{n % 28 + 1:02}", str(n * 10), "?" if n % 3 else "YES"] for n in range(50)]
    text = draft_contract("home", ["policy_number", "incident_date", "total-claim", "police report"], rows)
    assert house.apply(house.put(text)).status == "applied"
    assert house.columns("claim_home")["police report"] == "boolean"


def test_the_contract_of_the_sample_line_runs_in_every_test_database(house: House) -> None:
    text = (Path(__file__).parents[3] / "contracts" / "motor.yaml").read_text("utf-8")
    with house.database.transaction() as cursor:
        found = contracts.find_running(cursor, "motor")
        assert found is not None
        assert contracts.applied(cursor, "claims", "motor", found.contract.version) == found.contract
        with pytest.raises(LookupError):
            contracts.applied(cursor, "claims", "motor", "9.9.9")
    assert found.contract.text == text
    assert set(found.stored) == {column.name for column in found.contract.columns}
