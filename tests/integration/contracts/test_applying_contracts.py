"""A contract is applied once and completely, or refused with one notification."""

import hashlib
import threading
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from claimwatch.domain.contract.contract_draft import draft_contract
from claimwatch.errors import RefusedData, TransientFault
from claimwatch.storage import contracts
from tests.cluster import database_at
from tests.integration.contracts.environment import Environment
from tests.unit.contracts.sample_contracts import claim_id, column, contract_text, role

AMOUNT = column("amount", "integer")
FUEL = column("fuel", "string", required=True, description='What it runs on; it\'s "known" at 100 %.')


def entries(env: Environment) -> list[tuple[str | None, str]]:
    return [
        (version, status)
        for version, status in env.rows(
            "SELECT version, status FROM contract WHERE line = 'home' ORDER BY contract_id"
        )
    ]


def running_version(env: Environment) -> str | None:
    with env.database.transaction() as cursor:
        found = contracts.running(cursor, "claims", "home")
    return found.version if found else None


def test_a_first_contract_creates_the_table_and_the_views(env: Environment) -> None:
    applied = env.apply(env.put(contract_text(AMOUNT)))
    assert (applied.status, applied.version) == ("applied", "1.0.0")
    expected = {
        "claim_id": "text",
        "reported_at": "timestamp with time zone",
        "amount": "bigint",
        "file_id": "bigint",
        "row_number": "bigint",
        "extra": "jsonb",
    }
    assert env.columns("claim_home") == expected
    assert env.columns("current_claim_home") == expected
    assert running_version(env) == "1.0.0"
    assert env.sent.messages == []


def test_a_repeated_event_has_no_effect(env: Environment) -> None:
    created = env.put(contract_text(AMOUNT))
    assert [env.apply(created).status for _ in range(3)] == ["applied"] * 3
    assert entries(env) == [("1.0.0", "applied")]


def test_an_identical_contract_changes_nothing(env: Environment) -> None:
    env.apply(env.put(contract_text(AMOUNT)))
    again = env.apply(env.put(contract_text(AMOUNT), second=5))
    assert (again.status, again.notes) == ("applied", ())
    assert running_version(env) == "1.0.0"


def test_concurrent_calls_apply_a_contract_once(env: Environment, database_url: str) -> None:
    created = env.put(contract_text(AMOUNT))
    became: list[str] = []

    def apply() -> None:
        with closing(database_at(database_url)) as database:
            became.append(env.apply(created, database).status)

    threads = [threading.Thread(target=apply) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert became == ["applied"] * 4
    assert entries(env) == [("1.0.0", "applied")]


def test_new_columns_are_added_although_other_views_depend_on_the_view(env: Environment) -> None:
    env.apply(env.put(contract_text(AMOUNT)))
    file_id = env.file()
    env.rows("INSERT INTO claim_home (claim_id, file_id, row_number, amount) VALUES ('a', %s, 1, 5)", file_id)
    env.rows("CREATE VIEW report AS SELECT amount FROM current_claim_home")
    applied = env.apply(env.put(contract_text(AMOUNT, FUEL, version="1.1.0"), second=1))
    assert applied.notes == ("column 'fuel' is new; it is empty in rows loaded earlier",)
    assert env.rows("SELECT claim_id, amount, fuel FROM current_claim_home") == [("a", 5, None)]
    assert env.rows("SELECT amount FROM report") == [(5,)]
    [(comment,)] = env.rows(
        "SELECT col_description('claim_home'::regclass, attnum) FROM pg_attribute WHERE attname = 'fuel' "
        "AND attrelid = 'claim_home'::regclass"
    )
    assert comment == FUEL["description"]


def test_a_removed_column_keeps_its_values(env: Environment) -> None:
    env.apply(env.put(contract_text(AMOUNT, FUEL)))
    env.rows(
        "INSERT INTO claim_home (claim_id, file_id, row_number, fuel) VALUES ('a', %s, 1, 'gas')",
        env.file(),
    )
    applied = env.apply(env.put(contract_text(AMOUNT, version="2.0.0"), second=1))
    assert applied.notes == (
        "column 'fuel' is not in the contract; it is kept, and new files leave it empty",
    )
    assert env.rows("SELECT fuel FROM current_claim_home") == [("gas",)]
    back = env.apply(env.put(contract_text(FUEL, AMOUNT, version="2.1.0"), second=2))
    assert (back.status, back.notes) == ("applied", ())


def test_integers_that_become_numbers_keep_their_values(env: Environment) -> None:
    env.apply(env.put(contract_text(AMOUNT)))
    env.rows(
        "INSERT INTO claim_home (claim_id, file_id, row_number, amount) VALUES ('a', %s, 1, 5)",
        env.file(),
    )
    env.apply(env.put(contract_text(column("amount", "number"), version="1.1.0"), second=1))
    assert env.columns("claim_home")["amount"] == "numeric"
    assert env.columns("current_claim_home")["amount"] == "numeric"
    assert env.rows("SELECT amount FROM current_claim_home WHERE claim_id = 'a'") == [(5,)]


def test_a_refused_contract_is_notified_once_and_the_running_one_stays(env: Environment) -> None:
    env.apply(env.put(contract_text(AMOUNT)))
    before = env.columns("claim_home")
    bad = env.put(contract_text(column("amount", "date"), FUEL, version="2.0.0"), second=1)
    assert [env.apply(bad).status for _ in range(3)] == ["refused"] * 3
    assert running_version(env) == "1.0.0"
    assert env.columns("claim_home") == before
    [(subject, message)] = env.sent.messages
    assert subject == "Claimwatch refused a contract: line home"
    assert "column 'amount': its values are stored as integer and cannot be converted to date" in message
    assert "s3://artifacts/contracts/home.yaml (version 2)" in message
    [(error,)] = env.rows("SELECT error FROM contract WHERE status = 'refused'")
    assert error in message


def test_a_corrected_contract_is_applied(env: Environment) -> None:
    env.apply(env.put(contract_text(column("amount", "blob"))))
    assert env.apply(env.put(contract_text(AMOUNT), second=1)).status == "applied"
    assert entries(env) == [(None, "refused"), ("1.0.0", "applied")]


def test_a_refusal_is_notified_even_if_the_first_attempt_fails(env: Environment) -> None:
    env.sent.fault = TransientFault("SNS did not answer")
    bad = env.put("a: [")
    with pytest.raises(TransientFault):
        env.apply(bad)
    assert env.apply(bad).status == "refused"
    assert len(env.sent.messages) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the file is not a contract"),
        (b"\xff\xfea", "byte 1 of the file is not UTF-8"),
        (b"a: \x00", "byte 4 of the file is zero"),
        (b"a: [", "invalid YAML"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "it is not a text"),
        (b"#" * (5 << 20), "the file is larger than"),
        (b"#" * (2 << 20), "the maximum is"),
    ],
)
def test_an_unreadable_contract_is_refused_with_a_reason(env: Environment, body: bytes, reason: str) -> None:
    assert env.apply(env.put(body)).status == "refused"
    [(_, message)] = env.sent.messages
    assert reason in message


def test_a_contract_with_a_byte_order_mark_is_read(env: Environment) -> None:
    assert env.apply(env.put(contract_text(AMOUNT).encode("utf-8-sig"))).status == "applied"


@pytest.mark.parametrize("line", ["Home", "home-owners", "1st"])
def test_a_contract_whose_key_has_an_invalid_line_is_refused(env: Environment, line: str) -> None:
    assert env.apply(env.put(contract_text(), line=line)).status == "refused"
    assert "beginning with a letter" in env.sent.messages[0][1]


def test_a_deleted_object_is_ignored(env: Environment) -> None:
    created = env.put(contract_text())
    env.objects.path(created.ref).unlink()
    assert env.apply(created).status == "ignored"


# -- Order ---------------------------------------------------------------------------------------------------


def test_an_older_contract_that_arrives_late_is_superseded(env: Environment) -> None:
    older = env.put(contract_text(AMOUNT, version="1.0.0"), second=0)
    newer = env.put(contract_text(AMOUNT, FUEL, version="1.1.0"), second=9)
    assert env.apply(newer).status == "applied"
    assert env.apply(older).status == "superseded"
    assert running_version(env) == "1.1.0"
    assert env.sent.messages == []


def test_within_one_second_the_sequencer_decides(env: Environment) -> None:
    older = env.put(contract_text(AMOUNT), sequencer="0055AED6DCD90281E4")
    newer = env.put(contract_text(AMOUNT, FUEL, version="1.1.0"), sequencer="0055AED6DCD90281E5")
    assert [env.apply(newer).status, env.apply(older).status] == ["applied", "superseded"]


def test_a_higher_version_is_applied_whenever_it_arrives(env: Environment) -> None:
    higher = env.put(contract_text(AMOUNT, FUEL, version="2.0.0"), second=0)
    lower = env.put(contract_text(AMOUNT, version="1.0.0"), second=9)
    assert [env.apply(lower).status, env.apply(higher).status] == ["applied", "applied"]
    assert running_version(env) == "2.0.0"


@pytest.mark.parametrize("version", ["1.0.0", "0.9.0"])
def test_a_changed_contract_must_raise_its_version(env: Environment, version: str) -> None:
    env.apply(env.put(contract_text(AMOUNT)))
    assert env.apply(env.put(contract_text(AMOUNT, FUEL, version=version), second=1)).status == "refused"
    assert "raise the version" in env.sent.messages[0][1]
    assert running_version(env) == "1.0.0"


# -- Waiting files -----------------------------------------------------------------------------------------


def test_waiting_files_are_replayed_in_order_of_arrival(env: Environment) -> None:
    late, early = env.file("parked", second=9), env.file("parked", second=1)
    env.file("parked", line="motor")
    env.file("refused")
    assert env.apply(env.put(contract_text(AMOUNT))).replayed == 2
    assert env.replayed == [early, late]


def test_a_repeated_event_replays_files_that_could_not_be_replayed(env: Environment) -> None:
    first, second = env.file("parked", second=1), env.file("parked", second=2)

    def replay(file_id: int) -> None:
        if file_id == second and not env.sent.messages:
            env.sent.publish("failed", "once")
            raise TransientFault("Step Functions did not answer")
        env.rows("UPDATE file SET status = 'received' WHERE file_id = %s", file_id)
        env.replayed.append(file_id)

    env.on_replay = replay
    created = env.put(contract_text(AMOUNT))
    with pytest.raises(TransientFault):
        env.apply(created)
    assert env.apply(created).status == "applied"
    assert env.replayed == [first, second]


def test_a_file_committed_in_the_meantime_does_not_block_the_rest(env: Environment) -> None:
    first, second = env.file("parked", second=1), env.file("parked", second=2)

    def replay(file_id: int) -> None:
        if file_id == first:
            raise RefusedData("it is committed")
        env.replayed.append(file_id)

    env.on_replay = replay
    assert env.apply(env.put(contract_text(AMOUNT))).replayed == 1
    assert env.replayed == [second]


def test_a_refused_contract_replays_nothing(env: Environment) -> None:
    env.file("parked")
    env.apply(env.put("a: ["))
    assert env.replayed == []


# -- Faults --------------------------------------------------------------------------------------------------


def test_a_change_waits_for_a_file_that_is_being_loaded(env: Environment, database_url: str) -> None:
    env.apply(env.put(contract_text(AMOUNT)))
    with closing(psycopg2.connect(database_url)) as loader:
        loader.cursor().execute("LOCK TABLE claimwatch.claim_home IN ROW EXCLUSIVE MODE")
        env.on_sleep = lambda _: loader.rollback()
        assert env.apply(env.put(contract_text(AMOUNT, FUEL, version="1.1.0"), second=1)).status == "applied"
    assert "fuel" in env.columns("claim_home")


def test_a_change_that_times_out_is_a_transient_fault_and_leaves_nothing(
    env: Environment, database_url: str
) -> None:
    env.apply(env.put(contract_text(AMOUNT)))
    changed = env.put(contract_text(AMOUNT, FUEL, version="1.1.0"), second=1)
    with closing(psycopg2.connect(database_url)) as loader:
        loader.cursor().execute("LOCK TABLE claimwatch.claim_home IN ROW EXCLUSIVE MODE")
        with pytest.raises(TransientFault):
            env.apply(changed)
    assert env.slept
    assert entries(env) == [("1.0.0", "applied")]
    assert env.apply(changed).status == "applied"


def test_a_broken_connection_leaves_nothing_and_the_next_attempt_succeeds(
    env: Environment,
) -> None:
    created = env.put(contract_text(AMOUNT))
    env.rows(
        """
        CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            SET LOCAL ROLE NONE; -- only the login may end its sessions
            PERFORM pg_terminate_backend(pg_backend_pid());
            RETURN NEW;
        END $$;
        CREATE TRIGGER broken BEFORE INSERT ON contract FOR EACH ROW EXECUTE FUNCTION broken()
        """
    )

    def repair(_: float) -> None:
        env.rows("DROP TRIGGER IF EXISTS broken ON contract")

    env.on_sleep = repair
    assert env.apply(created).status == "applied"
    assert entries(env) == [("1.0.0", "applied")]


def test_a_dependent_view_prevents_a_change_of_type_with_a_reason(env: Environment) -> None:
    env.apply(env.put(contract_text(AMOUNT)))
    env.rows("CREATE VIEW report AS SELECT amount FROM current_claim_home")
    assert (
        env.apply(env.put(contract_text(column("amount", "number"), version="2.0.0"), second=1)).status
        == "refused"
    )
    assert "view claimwatch.report depends on" in env.sent.messages[0][1]
    assert env.columns("claim_home")["amount"] == "bigint"


# -- Unusual names and drafts --------------------------------------------------------------------------------


def test_column_names_are_escaped_in_sql(env: Environment) -> None:
    names = ["c", "f", "select", "user", "Claim Amount", "a.b", "x-y", "Schadenhöhe", "ä" * 31, "status"]
    columns = [column(name, "string", description="'; DROP TABLE claimwatch.file; --") for name in names]
    number = claim_id(name="Claim No.", logicalType="integer")
    text = contract_text(claim_id(customProperties=role("ignored"), unique=False), number, *columns)
    assert env.apply(env.put(text)).status == "applied"
    assert set(names) < set(env.columns("current_claim_home"))
    env.rows(
        'INSERT INTO claim_home ("Claim No.", file_id, row_number, "c") VALUES (7, %s, 1, \'x\')',
        env.file(),
    )
    assert env.rows('SELECT "Claim No.", c FROM current_claim_home') == [(7, "x")]


def test_a_draft_is_applied_when_a_person_has_confirmed_it_and_not_before(env: Environment) -> None:
    rows = [
        [f"P{n}", f"2024-01-{n % 28 + 1:02}", str(n * 10), "?" if n % 3 else "YES", f"Ann Roe {n}"]
        for n in range(50)
    ]
    header = ["policy_number", "incident_date", "total-claim", "police report", "handled for"]
    draft = draft_contract("home", header, rows)

    assert env.apply(env.put(draft)).status == "refused"
    assert running_version(env) is None
    [(subject, message)] = env.sent.messages
    assert subject == "Claimwatch refused a contract: line home"
    assert (
        "status is 'draft': nobody has confirmed this contract: review its 'check:' lines, "
        "write 'status: active' and submit it again"
    ) in message

    confirmed = draft.replace("status: draft", "status: active")
    assert env.apply(env.put(confirmed, second=1)).status == "applied"
    assert env.columns("claim_home")["police report"] == "boolean"


def test_a_draft_that_is_in_force_stays_in_force(env: Environment) -> None:
    env.apply(env.put(contract_text(AMOUNT)))
    draft = contract_text(AMOUNT, status="draft")
    env.rows("UPDATE contract SET text = %s, sha256 = %s", draft, hashlib.sha256(draft.encode()).hexdigest())
    assert running_version(env) == "1.0.0"
    assert env.apply(env.put(draft, second=1)).status == "applied"


@pytest.mark.parametrize(
    ("status", "what"),
    [
        ("active", "applied"),
        ("Deprecated", "applied"),
        (None, "applied"),
        ("proposed", "it is proposed and not agreed yet: once it is agreed, write 'status: active'"),
        ("retired", "a retired contract is no longer used: to use it again, write 'status: active'"),
        ("DRAFT", "review its 'check:' lines, write 'status: active'"),
        ("actve", "status 'actve' is not one of ODCS (draft, proposed, retired, active, deprecated)"),
    ],
)
def test_only_contracts_in_use_are_applied(env: Environment, status: str | None, what: str) -> None:
    applied = env.apply(env.put(contract_text(AMOUNT, status=status)))
    if what == "applied":
        assert applied.status == "applied"
    else:
        assert applied.status == "refused"
        assert what in env.sent.messages[0][1]


def test_a_contract_under_the_name_of_a_line_in_capitals_is_refused_with_the_name_to_use(
    env: Environment,
) -> None:
    assert env.apply(env.put(contract_text(AMOUNT), line="Home Owners")).status == "refused"
    assert "line 'Home Owners' is not a valid name" in env.sent.messages[0][1]
    assert "for example home_owners" in env.sent.messages[0][1]


def test_every_test_database_runs_the_sample_contract(env: Environment) -> None:
    text = (Path(__file__).parents[3] / "contracts" / "motor.yaml").read_text("utf-8")
    with env.database.transaction() as cursor:
        found = contracts.find_running(cursor, "motor")
        assert found is not None
        assert contracts.applied(cursor, "claims", "motor", found.contract.version) == found.contract
        with pytest.raises(LookupError):
            contracts.applied(cursor, "claims", "motor", "9.9.9")
    assert found.contract.text == text
    assert set(found.stored) == {column.name for column in found.contract.columns}
