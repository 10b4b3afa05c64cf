"""What each task may do in the database: exactly what its role's line in the matrix says, and nothing else.

That each task can do its work is tested elsewhere: the other tests run every use case as its task.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from psycopg2 import sql

from claimwatch.storage import evaluations, models, scores
from claimwatch.storage.connection import Database, StatementRefused
from claimwatch.storage.logins import TASKS, login_of, role_of
from tests.cluster import PROJECT, ClonedDatabase, Cluster
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS

FILE_STATE = (
    "attempt chunks committed_at contract_version details error format notified_at rows_loaded"
    " rows_quarantined rows_read status"
)
WINDOW_STATE = "advised_at claims closed_at missing planned_at report_uri status told_at"
EVENT = "action actor at line model_version object outcome purpose reason request_id via"
REPLAYED = "attempt chunks error notified_at status"
SEARCHED = "band_1 band_2 band_3 band_4 bucket event_id gradients image_id key phash thumbnail version_id"
RECORDED = (
    "action actor claim_hmac claim_id code_version contract_version landed_key line model_sha256"
    " model_version outcome percentile position probability problem purpose reasons referred request_id"
    " requested_at rules threshold"
)
ALL = "SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER"

# Lines of a matrix: a relation, its privileges, and in brackets the columns that a privilege is limited to.
MATRIX = {
    "ingest": f"""
        file: SELECT INSERT UPDATE({FILE_STATE})
        chunk: SELECT INSERT UPDATE(claim_hashes) DELETE
        quarantine: SELECT(file_id) INSERT DELETE
        extra_column: SELECT INSERT UPDATE(notified_at)
        contract: SELECT
        outcome: SELECT(claim_id file_id line row_number) INSERT DELETE
        claim_glass: SELECT(claim_id file_id row_number) INSERT DELETE
    """,
    "contracts": f"""
        file: SELECT UPDATE({REPLAYED})
        contract: SELECT INSERT UPDATE(compiled notified_at)
        outcome: SELECT(extra file_id row_number) UPDATE(extra)
        current_claim_image: SELECT
        claim_glass: {ALL}
        current_claim_glass: {ALL}
        image_of_claim_glass: {ALL}
    """,
    "photos": f"""
        claim_image: SELECT({SEARCHED}) INSERT
        image_rejected: SELECT(bucket key reason version_id) INSERT
        image_deletion: SELECT(bucket key permanent version_id) INSERT
        image_match: INSERT
    """,
    "scoring": """
        file: SELECT
        contract: SELECT
        live_model: SELECT
        audit_key: SELECT
        scored_chunk: SELECT INSERT
        without_model: SELECT INSERT
        score: INSERT
        profile: INSERT
        claim_glass: SELECT
    """,
    "promotion": """
        model_version: SELECT
        live_model: SELECT
        unscored_file: SELECT
        promotion: SELECT INSERT
        promotion_request: SELECT
        promotion_request_end: SELECT INSERT(because outcome request_id)
        request_without_change: SELECT INSERT
        without_model: SELECT(line) DELETE
        model_exception: SELECT
        contract: SELECT(contract_id line status text version)
    """,
    "approval": """
        model_version: SELECT
        model_exception: SELECT INSERT
    """,
    "dispatch": """
        training: SELECT INSERT UPDATE(ended_at error instance_id notified_at status)
        model_version: SELECT(line version warnings)
        contract: SELECT
    """,
    "training": """
        training: SELECT UPDATE(ended_at error notified_at status)
        contract: SELECT
        live_model: SELECT
        model_version: SELECT INSERT
        promotion: SELECT(at bundle_sha256 bundle_uri line promotion_id role version)
        current_outcome: SELECT
        committed_outcome: SELECT
        current_claim_glass: SELECT
    """,
    "evaluation": f"""
        file: SELECT
        contract: SELECT
        outcome: SELECT
        committed_outcome: SELECT
        score: SELECT
        scored_chunk: SELECT
        profile: SELECT
        model_version: SELECT
        live_model: SELECT
        quarantine: SELECT(file_id reasons)
        evaluation_window: SELECT INSERT UPDATE({WINDOW_STATE})
        evaluation_check: SELECT INSERT UPDATE(ended_at error seconds status) DELETE
        evaluation: SELECT INSERT
        claim_glass: SELECT
    """,
    "read": """
        file: SELECT
        quarantine: SELECT
        contract: SELECT
        training: SELECT
        model_version: SELECT
        promotion: SELECT
        model_exception: SELECT
        live_model: SELECT
        score: SELECT
        unscored_file: SELECT
        committed_outcome: SELECT
        current_outcome: SELECT
        claim_image: SELECT
        kept_claim_image: SELECT
        current_claim_image: SELECT
        image_rejected: SELECT
        image_match: SELECT
        evaluation_window: SELECT
        evaluation_check: SELECT
        evaluation: SELECT
        review_case: SELECT(claim_id line state)
        source: SELECT
        source_version: SELECT
        source_window: SELECT
        source_file: SELECT
        source_deletion: SELECT
    """,
    "replay": f"""
        file: SELECT UPDATE({REPLAYED})
    """,
    "api": "",
    "record": f"""
        access_event: INSERT({EVENT})
        score_request: SELECT(claim_id outcome position request_id) INSERT({RECORDED})
    """,
    "seal": """
        access_event: SELECT
        audit_seal: SELECT INSERT
    """,
    "audit": f"""
        access_event: SELECT INSERT({EVENT})
        audit_seal: SELECT
        permission: SELECT
        setting: SELECT
    """,
    "decisions": """
        decision: SELECT(at by claim_id decision_id verdict)
        decision_publication: SELECT UPDATE(stored_at)
    """,
    "sources": """
        source: SELECT INSERT UPDATE
        source_version: SELECT INSERT UPDATE(notified_at)
        source_window: SELECT INSERT UPDATE
        source_row: SELECT INSERT UPDATE DELETE
        source_window_row: SELECT INSERT UPDATE DELETE
        source_file: SELECT INSERT UPDATE DELETE
        source_deletion: SELECT INSERT
    """,
}

HISTORIES = (
    "promotion",
    "promotion_request_end",
    "request_without_change",
    "model_exception",
    "access_event",
    "score_request",
    "audit_seal",
    "model_version",
    "score",
    "scored_chunk",
    "profile",
    "evaluation",
    "claim_image",
    "image_rejected",
    "image_deletion",
    "image_match",
)
"""Tables that a task may add to and never change."""

PRIVILEGES = """
    SELECT c.relname::text, p.privilege, has_table_privilege(%(role)s, c.oid, p.privilege),
           (SELECT string_agg(a.attname, ' ' ORDER BY a.attname) FROM pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              AND p.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
              AND has_column_privilege(%(role)s, c.oid, a.attnum, p.privilege))
    FROM pg_class AS c CROSS JOIN unnest(%(privileges)s) WITH ORDINALITY AS p (privilege, place)
    WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
    ORDER BY c.relname, p.place
"""


@pytest.fixture(scope="module")
def glass(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClonedDatabase]:
    """A database in which line glass was added by the task that applies contracts."""
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        site = Site.below(database, tmp_path_factory.mktemp("buckets"))
        assert site.put_contract("glass", GLASS).status == "applied"
        yield database


def rows(database: Database, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with database.transaction() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def privileges(database: Database, role: str, schema: str = "claimwatch") -> dict[str, str]:
    """Return what a role, or PUBLIC, may do with each relation, in the notation of the matrix."""
    found: dict[str, list[str]] = {}
    with database.transaction() as cursor:
        cursor.execute(PRIVILEGES, {"role": role, "schema": schema, "privileges": ALL.split()})
        for name, privilege, whole, columns in cursor.fetchall():
            if whole or columns:
                found.setdefault(name, []).append(privilege if whole else f"{privilege}({columns})")
    return {name: " ".join(what) for name, what in found.items()}


def expected(task: str) -> dict[str, str]:
    lines = (line.strip() for line in MATRIX[task].strip().splitlines())
    return dict(line.split(": ", 1) for line in lines)


def of_line_glass(found: dict[str, str]) -> dict[str, str]:
    """Leave line motor out, which has the same privileges as line glass."""
    return {name: what for name, what in found.items() if not name.endswith("claim_motor")}


@pytest.mark.schema_of_this_release
@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_exactly_the_privileges_of_its_line_in_the_matrix(
    glass: ClonedDatabase, task: str
) -> None:
    assert of_line_glass(privileges(glass, role_of(task))) == expected(task)


def test_every_line_has_the_same_privileges(glass: ClonedDatabase) -> None:
    for task in TASKS:
        found = privileges(glass, role_of(task))
        for name in ("claim_{}", "current_claim_{}", "image_of_claim_{}"):
            of_motor, of_glass = (found.get(name.format(line), "") for line in ("motor", "glass"))
            assert of_motor == of_glass, (task, name)


def test_everybody_else_may_do_nothing(glass: ClonedDatabase) -> None:
    assert privileges(glass, "public") == {}
    [(functions,)] = rows(
        glass,
        "SELECT array_agg(proname::text) FROM pg_proc WHERE pronamespace = 'claimwatch'::regnamespace"
        " AND proname <> 'refuse_to_change_history' AND has_function_privilege('public', oid, 'EXECUTE')",
    )
    assert functions is None


def test_a_login_has_the_privileges_of_its_task_only_by_becoming_its_role(
    cluster: Cluster, glass: ClonedDatabase
) -> None:
    for task in TASKS:
        login = cluster.logins[task]["username"]
        assert privileges(glass, login) == {}
        assert rows(
            glass,
            "SELECT r.rolname::text, m.set_option, m.admin_option FROM pg_auth_members AS m"
            " JOIN pg_roles AS r ON r.oid = m.roleid WHERE m.member = %s::regrole",
            login,
        ) == [(role_of(task), True, False)]
        [described] = rows(
            glass,
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles"
            " WHERE rolname = %s",
            login,
        )
        assert not any(described)
        assert rows(glass.as_task(task), "SELECT current_user::text") == [(role_of(task),)]


def test_no_role_of_a_task_may_log_in_or_belongs_to_another(glass: ClonedDatabase) -> None:
    described = rows(
        glass,
        "SELECT rolname::text, rolcanlogin OR rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls,"
        " (SELECT count(*) FROM pg_auth_members WHERE member = r.oid) FROM pg_roles AS r"
        " WHERE rolname = ANY (%s)",
        [role_of(task) for task in TASKS],
    )
    assert sorted(described) == sorted((role_of(task), False, 0) for task in TASKS)


def test_promotion_sets_aliases_and_the_command_line_reads_all_of_mlflow(glass: ClonedDatabase) -> None:
    with glass.as_task("training").transaction() as cursor:
        cursor.execute(
            """
            CREATE TABLE mlflow.experiments (name text);
            CREATE TABLE mlflow.model_version_tags (name text, key text, value text, version integer);
            CREATE TABLE mlflow.registered_model_aliases (name text, alias text, version integer);
            """
        )
        models.grant_registry(cursor)
    found = {task: privileges(glass, role_of(task), "mlflow") for task in TASKS}
    tables = ("experiments", "model_version_tags", "registered_model_aliases")
    assert {task: what for task, what in found.items() if what} == {
        "training": dict.fromkeys(tables, ALL),
        "read": dict.fromkeys(tables, "SELECT"),
        "promotion": {
            "model_version_tags": "SELECT(key name value version)",
            "registered_model_aliases": "SELECT(alias name) INSERT DELETE",
        },
    }


def test_a_task_that_owns_no_table_still_refreshes_its_statistics_and_index(glass: ClonedDatabase) -> None:
    counted = "SELECT relname::text FROM pg_class WHERE reltuples >= 0 AND relname = ANY (%s) ORDER BY 1"
    tables = ["claim_glass", "file", "outcome", "score"]
    assert rows(glass, counted, tables) == []  # never counted
    with glass.as_task("evaluation").transaction() as cursor:
        evaluations.refresh_statistics(cursor, "glass")
    assert rows(glass, counted, tables) == [(name,) for name in tables]
    with glass.as_task("scoring").transaction() as cursor:
        scores.index_new_rows(cursor, "glass")
        scores.index_new_rows(cursor, "unknown")


@pytest.mark.parametrize("history", HISTORIES)
def test_a_history_is_append_only_for_every_task(glass: ClonedDatabase, history: str) -> None:
    writers = {task: privileges(glass, role_of(task)).get(history, "") for task in TASKS}
    assert any("INSERT" in what for what in writers.values())
    changing = ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
    assert not [task for task, what in writers.items() if any(word in what for word in changing)]


@pytest.mark.schema_of_this_release
def test_functions_with_the_rights_of_their_owner_pin_the_search_path(glass: ClonedDatabase) -> None:
    found = rows(
        glass,
        "SELECT proname::text, proconfig FROM pg_proc"
        " WHERE pronamespace = 'claimwatch'::regnamespace AND prosecdef ORDER BY 1",
    )
    # How a function is planned changes neither what it does nor with which rights.
    planning = ("plan_cache_mode=", "jit=", "work_mem=")
    definers = [(name, [each for each in config if not each.startswith(planning)]) for name, config in found]
    pinned = ["search_path=pg_catalog, pg_temp"]
    in_utc = [*pinned, "TimeZone=UTC"]
    assert definers == [
        ("add_outcomes", in_utc),
        ("api_assign", in_utc),
        ("api_audit", in_utc),
        ("api_card", in_utc),
        ("api_case", in_utc),
        ("api_case_action", in_utc),
        ("api_claim_status", pinned),
        ("api_decide", in_utc),
        ("api_desk_models", in_utc),
        ("api_grant", in_utc),
        ("api_links", pinned),
        ("api_me", pinned),
        ("api_models", in_utc),
        ("api_next_case", in_utc),
        ("api_note_verification", in_utc),
        ("api_people", pinned),
        ("api_permissions", in_utc),
        ("api_photo", pinned),
        ("api_photos", in_utc),
        ("api_queue", in_utc),
        ("api_read_claim", in_utc),
        ("api_refused", pinned),
        ("api_request_promotion", in_utc),
        ("api_revoke", in_utc),
        ("api_schema", pinned),
        ("api_seals", in_utc),
        ("api_search", pinned),
        ("api_statistics", in_utc),
        ("api_team", in_utc),
        ("api_undo", in_utc),
        ("api_unmask", in_utc),
        ("api_verification", in_utc),
        ("api_week_report", in_utc),
        ("api_weeks", in_utc),
        ("api_what_if", in_utc),
        ("claims_like", pinned),
        ("claims_of_events", pinned),
        ("events_of_claims", pinned),
        ("feed_links", pinned),
        ("fix_publications", pinned),
        ("index_new_rows", pinned),
        ("link_digest_of", in_utc),
        ("lock_access_events", [*pinned, "lock_timeout=2s"]),
        ("note_decided", pinned),
        ("note_decision", pinned),
        ("note_file_to_link", pinned),
        ("note_linked_columns", pinned),
        ("note_outcomes", pinned),
        ("open_cases", pinned),
        ("plan_links", pinned),
        ("received_claims", pinned),
        ("refresh_statistics", pinned),
        ("settle_cases", pinned),
        ("values_of_claims", pinned),
    ]


PROMOTION = """
    INSERT INTO claimwatch.promotion (request_id, line, role, action, by, why)
    VALUES ('r', 'motor', 'champion', 'vacate', 'ceo', 'because')
"""
EXCEPTION = """
    INSERT INTO claimwatch.model_exception (request_id, line, version, gate, bundle_sha256, by, caller, why)
    VALUES ('r', 'motor', '1', 'bias', 'hash', 'ceo', 'arn:aws:iam::1:user/ceo', 'because')
"""
REFUSED = {
    "an exception is approved by the task that promotes": ("promotion", EXCEPTION),
    "an exception is approved by a training": ("training", EXCEPTION),
    "a model is promoted by the task that approves": ("approval", PROMOTION),
    "an exception is changed": ("approval", "UPDATE claimwatch.model_exception SET by = 'ceo'"),
    "a history is rewritten": ("promotion", "UPDATE claimwatch.promotion SET by = 'ceo'"),
    "a promotion is made by another task": ("scoring", PROMOTION),
    "a training promotes its own model": ("training", PROMOTION),
    "a trigger is disabled": (
        "promotion",
        "ALTER TABLE claimwatch.promotion DISABLE TRIGGER promotion_is_append_only",
    ),
    "triggers are ignored": ("promotion", "SET session_replication_role = replica"),
    "claims are read with the photos": ("photos", "SELECT * FROM claimwatch.claim_motor"),
    "current claims are read with the photos": ("photos", "SELECT * FROM claimwatch.current_claim_motor"),
    "claims are read while they are loaded": ("ingest", "SELECT extra FROM claimwatch.claim_motor"),
    "quarantined rows are read while others are loaded": ("ingest", "SELECT raw FROM claimwatch.quarantine"),
    "photos are read by the task that stores them": ("photos", "SELECT display FROM claimwatch.claim_image"),
    "a file changes its identity": ("ingest", "UPDATE claimwatch.file SET key = 'claims/motor/x.csv'"),
    "a contract is changed afterwards": ("contracts", "UPDATE claimwatch.contract SET text = ''"),
    "a score is changed": ("scoring", "UPDATE claimwatch.score SET probability = 0"),
    "a finding is deleted": ("evaluation", "DELETE FROM claimwatch.evaluation"),
    "the command line writes": ("read", "UPDATE claimwatch.file SET status = 'received'"),
    "migrations are read": ("contracts", "SELECT * FROM claimwatch.migration"),
    "migrations are forgotten": ("contracts", "DELETE FROM claimwatch.migration"),
    "a role is created": ("contracts", "CREATE ROLE intruder LOGIN"),
    "a table is dropped": ("contracts", "DROP TABLE claimwatch.file"),
    "a schema is created": ("training", "CREATE SCHEMA another"),
    "a table is created outside of the schema": ("contracts", "CREATE TABLE public.another ()"),
    "a table is created by another task": ("scoring", "CREATE TABLE claimwatch.another ()"),
    "another task's role is taken": ("photos", "SET ROLE claimwatch_scoring"),
    "the owner's role is taken": ("contracts", "SET ROLE claimwatch"),
    "another session is ended": (
        "photos",
        """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND usename <> session_user""",
    ),
    "a file of the server is read": ("training", "SELECT pg_read_file('postgresql.conf')"),
    "a program of the server is run": ("training", "COPY (SELECT 1) TO PROGRAM 'true'"),
    "statistics are refreshed by another task": ("photos", "SELECT claimwatch.refresh_statistics('motor')"),
    "outcomes are made of labels by another task": (
        "scoring",
        "SELECT claimwatch.add_outcomes(1, 'claim_motor', 'claim_id', 'x', NULL, 'incident_at', 60)",
    ),
    "cases are opened by another task": ("ingest", "SELECT claimwatch.open_cases('motor', 1, NULL)"),
    "cases are settled by another task": ("scoring", "SELECT claimwatch.settle_cases(1)"),
    "a case is read by the task that opens it": ("scoring", "SELECT * FROM claimwatch.review_case"),
    "publications are fixed by another task": ("ingest", "SELECT claimwatch.fix_publications(1)"),
    "a published decision changes its file": (
        "decisions",
        "UPDATE claimwatch.decision_publication SET number = 1",
    ),
    "a note is read while decisions are published": ("decisions", "SELECT note FROM claimwatch.decision"),
    "privileges are granted by another task": ("ingest", "SELECT claimwatch.grant_line('motor')"),
    "privileges are granted on a table of another": (
        "contracts",
        "GRANT SELECT ON claimwatch.promotion TO claimwatch_contracts WITH GRANT OPTION",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_statement_beyond_the_task_is_refused(glass: ClonedDatabase, what: str) -> None:
    task, statement = REFUSED[what]
    with (
        pytest.raises(StatementRefused, match="InsufficientPrivilege"),
        glass.as_task(task).transaction() as cursor,
    ):
        cursor.execute(statement)


def test_no_task_calls_a_function_of_another_by_its_bare_name(glass: ClonedDatabase) -> None:
    """The task that applies contracts may create objects in the schema of all tables."""
    with glass.as_task("contracts").transaction() as cursor:
        cursor.execute("CREATE FUNCTION claimwatch.trojan() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    with (
        pytest.raises(StatementRefused, match="UndefinedFunction"),
        glass.as_task("scoring").transaction() as cursor,
    ):
        cursor.execute("SELECT trojan()")
    with glass.as_task("contracts").transaction() as cursor:
        cursor.execute("DROP FUNCTION claimwatch.trojan()")


def test_a_login_that_leaves_its_role_may_do_nothing(glass: ClonedDatabase) -> None:
    for task in TASKS:
        with (
            pytest.raises(StatementRefused, match="InsufficientPrivilege"),
            glass.as_task(task).transaction() as cursor,
        ):
            cursor.execute("SET LOCAL ROLE NONE; SELECT FROM claimwatch.file")


def test_a_line_that_existed_before_the_roles_gets_the_same_privileges(glass: ClonedDatabase) -> None:
    """The migration hands tables and views over that a deployment before it has created as the owner."""
    script = PROJECT / "layers/core/claimwatch/storage/migrations/0010_roles.sql"
    handing_over = script.read_text("utf-8").split("-- What exists already changes hands.")[1]
    before = {task: privileges(glass, role_of(task)) for task in TASKS}
    with glass.transaction() as cursor:
        for name in ("image_of_claim_glass", "current_claim_glass", "claim_glass"):
            relation = sql.Identifier("claimwatch", name)
            cursor.execute(sql.SQL("ALTER TABLE {} OWNER TO CURRENT_USER").format(relation))
            for task in TASKS:
                role = sql.Identifier(role_of(task))
                cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(relation, role))
    assert {task: privileges(glass, role_of(task)) for task in TASKS} != before
    with glass.transaction() as cursor:
        cursor.execute(handing_over)
    assert {task: privileges(glass, role_of(task)) for task in TASKS} == before


def test_logins_of_two_databases_of_a_server_differ() -> None:
    assert login_of("one", "read") != login_of("two", "read")
    assert login_of("claimwatch", "read") != role_of("read")
