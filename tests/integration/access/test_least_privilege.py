"""The login of the API can call functions and nothing else; nobody can change what they record."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from claimwatch.ingest.feed_links import feed_links
from claimwatch.storage import desk
from claimwatch.storage.case_api import Answer, Caller
from claimwatch.storage.connection import Database, StatementRefused
from claimwatch.storage.desk import Function
from claimwatch.storage.logins import TASKS, role_of
from claimwatch.storage.models import grant_registry
from tests.cluster import PROJECT, Cluster
from tests.integration.access.environment import GUILTY, MACHINE, Desk, person
from tests.integration.storage.test_roles import EVENT, privileges, rows

DEFINER = "claimwatch_api_definer"
CALLED = {
    "api_assign",
    "api_audit",
    "api_card",
    "api_case",
    "api_case_action",
    "api_claim_status",
    "api_decide",
    "api_desk_models",
    "api_grant",
    "api_links",
    "api_me",
    "api_models",
    "api_next_case",
    "api_note_verification",
    "api_people",
    "api_permissions",
    "api_photo",
    "api_photos",
    "api_queue",
    "api_read_claim",
    "api_refused",
    "api_request_promotion",
    "api_revoke",
    "api_schema",
    "api_seals",
    "api_search",
    "api_statistics",
    "api_team",
    "api_undo",
    "api_unmask",
    "api_verification",
    "api_week_report",
    "api_weeks",
    "api_what_if",
}
"""The functions that the API may call."""

SHARED = (
    "default_purposes", "running_contract", "purposes_of", "conflicts_of_duties", "duties_are_separated",
    "held_permissions", "conflicts_held", "effective_permissions", "lines_permitted", "record_access",
    "refuse", "refuse_purpose", "not_found", "find_claim", "current_score", "current_decision",
    "list_events", "event_of_claim", "also_used",
    "list_events", "lease_time", "undo_time", "shown_columns", "shown_reasons", "is_undecided",
    "decision_document", "lease_document", "shown_score", "count_links", "count_photos", "contract_bound",
    "case_document", "held_document", "lines_with", "begin_case", "has_decided", "is_free", "count_waiting",
    "find_next", "lease_case", "free_case", "note_case", "version_problem", "decided_document",
    "review_terms",
    "similar_decided", "main_reasons", "refuse_overview", "proportion", "wilson", "week_name", "last_weeks",
    "promotion_requests",
    "fold_letters", "link_text", "link_digest", "link_columns", "identifier_of", "link_query",
    "plan_links", "values_of_claims", "received_claims", "claims_like", "events_of_claims",
    "claims_of_events", "most_linked", "links_of", "linked_claims", "claim_documents", "link_digest_of",
)  # fmt: skip
"""The functions that those call."""

OVERVIEWS: tuple[Function, ...] = (
    *("statistics", "team", "desk_models", "card", "request_promotion", "weeks", "week_report", "seals"),
    *("verification", "note_verification"),
)
"""The functions of migration 0036."""

OURS = "NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
RELATIONS = f"""
    SELECT format('%%I.%%I', n.nspname, c.relname), c.relkind::text,
           (SELECT quote_ident(a.attname) FROM pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LIMIT 1)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname {OURS} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') ORDER BY 1
"""


@pytest.fixture(scope="module")
def full_desk(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk whose database has MLflow's tables, and tables that were made after everything else."""
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        desk = Desk.below(database, tmp_path_factory.mktemp("buckets"))
        with database.as_task("training").transaction() as cursor:
            cursor.execute(
                "CREATE TABLE mlflow.experiments (name text);"
                "CREATE TABLE mlflow.model_version_tags (name text, key text, value text, version integer);"
                "CREATE TABLE mlflow.registered_model_aliases (name text, alias text, version integer)"
            )
            grant_registry(cursor)
        with database.as_task("contracts").transaction() as cursor:
            cursor.execute("CREATE TABLE claimwatch.claim_later (claim_id text); ")
        with database.transaction() as cursor:
            cursor.execute(
                "CREATE TABLE claimwatch.table_of_a_later_release (secret text);"
                "CREATE VIEW claimwatch.view_of_a_later_release AS SELECT * FROM claimwatch.claim_glass"
            )
        yield desk


def statements(relation: str, kind: str, column: str | None) -> list[str]:
    """Return every way to read or change a relation."""
    if kind == "S":
        return [f"SELECT last_value FROM {relation}", f"SELECT nextval('{relation}')"]
    reading = [f"SELECT * FROM {relation}", f"SELECT count(*) FROM {relation}", f"SELECT 1 FROM {relation}"]
    if kind in ("v", "m"):
        return reading
    return [
        *reading,
        f"SELECT xmin FROM {relation}",
        f"INSERT INTO {relation} DEFAULT VALUES",
        f"UPDATE {relation} SET {column} = DEFAULT",
        f"DELETE FROM {relation}",
        f"TRUNCATE {relation}",
        f"LOCK TABLE {relation} IN ACCESS SHARE MODE",
        f"CREATE INDEX ON {relation} ({column})",
        f"DROP TABLE {relation}",
    ]


def refused(database: Database, statement: str) -> bool:
    """Return whether PostgreSQL refuses a statement for want of a privilege; it is undone in any case."""
    try:
        with database.transaction() as cursor:
            cursor.execute(statement)
            raise InterruptedError
    except InterruptedError:
        return False
    except StatementRefused as error:
        # To drop a table takes its owner, whom PostgreSQL calls by another error of the same class.
        return "(42501)" in str(error)


def test_the_login_of_the_api_can_neither_read_nor_change_any_relation(full_desk: Desk) -> None:
    found = rows(full_desk.database, RELATIONS)
    names = {name for name, _, _ in found}
    assert len(names) > 50
    assert names >= {
        "claimwatch.claim_glass", "claimwatch.current_claim_glass", "claimwatch.claim_later",
        "claimwatch.access_event", "claimwatch.table_of_a_later_release",
        "claimwatch.view_of_a_later_release", "mlflow.experiments",
    }  # fmt: skip
    api = full_desk.database.as_task("api")
    tried = [each for relation in found for each in statements(*relation)]
    assert len(tried) > 300
    assert [statement for statement in tried if not refused(api, statement)] == []


def test_the_catalogue_gives_the_api_nothing(cluster: Cluster, full_desk: Desk) -> None:
    for schema in ("claimwatch", "mlflow", "public"):
        for role in (role_of("api"), cluster.logins["api"]["username"], "public"):
            assert privileges(full_desk.database, role, schema) == {}


@pytest.mark.schema_of_this_release
def test_the_functions_that_the_api_may_call_are_these(full_desk: Desk) -> None:
    callable_by = (
        "SELECT p.proname::text FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        f" WHERE n.nspname {OURS} AND has_function_privilege(%s, p.oid, 'EXECUTE')"
        " AND p.prorettype <> 'trigger'::regtype"
    )
    found = [name for (name,) in rows(full_desk.database, callable_by, role_of("api"))]
    assert sorted(found) == sorted(CALLED)
    for task in set(TASKS) - {"api"}:
        assert not CALLED & {name for (name,) in rows(full_desk.database, callable_by, role_of(task))}
    [(owners,)] = rows(
        full_desk.database,
        "SELECT array_agg(DISTINCT proowner::regrole::text) FROM pg_proc"
        " WHERE proname = ANY (%s) AND prosecdef",
        sorted(CALLED),
    )
    assert owners == [DEFINER]


def test_every_function_with_the_rights_of_its_owner_pins_its_search_path(full_desk: Desk) -> None:
    definers = rows(
        full_desk.database,
        "SELECT p.proname::text, p.proconfig FROM pg_proc AS p"
        f" JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname {OURS} AND p.prosecdef",
    )
    assert {name for name, _ in definers} >= CALLED
    assert [name for name, config in definers if config[:1] != ["search_path=pg_catalog, pg_temp"]] == []


MODEL = (
    "as_of bundle_sha256 bundle_uri code_version contract_version created_at failed_gates line metrics"
    " refused_because status version warnings"
)
WINDOW = (
    "advised_at challenger claims closed_at line missing model_version planned_at report_uri status"
    " window_end window_start"
)
PROMOTED = "action as_of at by caller equal_to line promotion_id request_id role trusted version why"
TRAINED = "as_of asked_at asked_by ended_at error line status training_id version why"
CASE_STATE = "assigned_to closed_at decision_id generation holder lease_until snoozed_until state version"
DECIDED = (
    "by case_id claim_id decision_id final generation grounds line model_version note second_of seconds shown"
    " shown_sha256 verdict"
)
PHOTO = (
    "display event_id format height image_id key latitude longitude received_at sequencer taken_at"
    " taken_at_local thumbnail width"
)
DEFINER_MAY = f"""
    access_event: SELECT INSERT({EVENT})
    audit_seal: SELECT
    audit_verification: SELECT INSERT(by intact request_id result)
    case_event: SELECT INSERT(action actor case_id details reason)
    case_skip: SELECT INSERT UPDATE(until) DELETE
    contract: SELECT(columns compiled contract_id error line received_at sha256 status version version_id)
    current_claim_glass: SELECT
    current_claim_image: SELECT({PHOTO})
    current_claim_motor: SELECT
    current_claim_pane: SELECT
    current_outcome: SELECT(claim_id decided_at effective_at from_label is_fraud line)
    decided_claim: SELECT
    decision: SELECT INSERT({DECIDED})
    decision_publication: SELECT(decision_id)
    decision_undo: SELECT INSERT(by decision_id)
    image_match: SELECT(distance event_id image_id other_event_id other_image_id)
    evaluation: SELECT
    evaluation_window: SELECT({WINDOW})
    file: SELECT(committed_at dataset file_id line received_at rows_loaded sequencer status)
    link_value: SELECT
    live_model: SELECT(line role since version)
    migration: SELECT(number)
    model_exception: SELECT(at by gate line version why)
    model_version: SELECT({MODEL})
    permission: SELECT INSERT DELETE
    promotion: SELECT({PROMOTED})
    promotion_request: SELECT INSERT(action as_of by line request_id role trust version why)
    promotion_request_end: SELECT
    review_case: SELECT UPDATE({CASE_STATE})
    score: SELECT(claim_id file_id line model_version percentile probability reasons referred role scored_at)
    setting: SELECT
    standing_decision: SELECT
    training: SELECT({TRAINED})
"""


@pytest.mark.schema_of_this_release
def test_the_functions_of_the_api_run_with_these_rights_only(full_desk: Desk) -> None:
    """They cannot read the random audit of a score, the key of the draw or quarantined rows.

    Of photos they read the copies that are shown, and neither originals nor those that were deleted.

    Why a claim is a case they can read: they show it once the case is decided.
    """
    expected = dict(line.strip().split(": ", 1) for line in DEFINER_MAY.strip().splitlines())
    assert privileges(full_desk.database, DEFINER) == expected
    assert privileges(full_desk.database, DEFINER, "mlflow") == {}
    [attributes] = rows(
        full_desk.database,
        "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,"
        " has_schema_privilege(oid, 'claimwatch', 'CREATE') FROM pg_roles WHERE rolname = %s",
        DEFINER,
    )
    assert not any(attributes)
    members = (
        "SELECT count(*) FROM pg_auth_members WHERE roleid = %s::regrole AND member::regrole::text LIKE %s"
    )
    assert rows(full_desk.database, members, DEFINER, "%login") == [(0,)]


def test_the_claims_of_lines_that_existed_before_the_api_can_be_read(full_desk: Desk) -> None:
    script = PROJECT / "layers/core/claimwatch/storage/migrations/0026_access.sql"
    _, do, existing_lines = script.read_text("utf-8").rpartition("DO $$")
    with full_desk.database.transaction() as cursor:
        cursor.execute(f"REVOKE ALL ON claimwatch.current_claim_glass FROM {DEFINER}")
    assert "current_claim_glass" not in privileges(full_desk.database, DEFINER)
    with full_desk.database.transaction() as cursor:
        cursor.execute(do + existing_lines)
    assert privileges(full_desk.database, DEFINER)["current_claim_glass"] == "SELECT"


def work_on_a_case(full_desk: Desk) -> None:
    """Call every function of the queue and of cases, with success and with a refusal."""
    full_desk.site.query("SELECT claimwatch.open_cases('glass'::text, NULL::bigint, NULL::text[])")

    def ask(name: desk.Function, who: Caller, **asked: object) -> Answer:
        with full_desk.database.as_task("api").transaction() as cursor:
            return desk.ask(cursor, name, asked, who)

    ida, lead = person("ida", "investigator"), person("leo", "lead")
    for who in (ida, lead, person("x"), person("ida", "investigator", purpose=None)):
        ask("queue", who)
        ask("people", who)
        for name in ("case", "decide", "undo", "case_action", "assign"):
            ask(name, who, case_id="x")
    case = ask("next_case", ida).document["case"]
    held = {"case_id": case["case_id"], "generation": case["lease"]["generation"]}
    for action in ("renew", "skip", "take", "steal"):
        generation = held["generation"] + (action == "take")
        ask("case_action", ida, **held | {"action": action, "generation": generation})
    case = ask("next_case", ida).document["case"]
    decision = {
        "case_id": case["case_id"], "generation": case["lease"]["generation"], "verdict": "fraud",
        "decision_id": "0b0e7a1c-26d9-4b9b-8f3e-0f6f3a1c5d10", "grounds": ["other"],
        "if_match": f'"v{case["version"]}"',
    }  # fmt: skip
    ask("decide", ida, **decision | {"grounds": []})
    assert ask("decide", ida, **decision).outcome == "answered"
    assert ask("undo", ida, **decision).outcome == "answered"
    ask("case", lead, case_id=case["case_id"])
    # A column in clear that links claims, which are fed again.
    full_desk.site.query(
        "UPDATE claimwatch.contract SET compiled = replace(compiled::text, %s, %s)::jsonb"
        " WHERE line = 'glass' RETURNING 1",
        '"role": "feature"',
        '"role": "feature", "link_on": true',
    )
    assert feed_links(full_desk.database.as_task("ingest"), None, 10)
    found = ask("links", lead, case_id=case["case_id"], hops=2).document
    assert len(found["nodes"]) == len(GUILTY)
    for who in (lead, person("x")):
        ask("links", who, case_id="x", hops=1)
        ask("search", who, q="g-")
        ask("search", who, column="amount", value="900")
    found = ask("case", ida, case_id=case["case_id"]).document
    moved = {"case_id": case["case_id"], "to": "ben", "reason": "r", "if_match": f'"v{found["version"]}"'}
    assert ask("assign", lead, **moved).outcome == "answered"


def test_functions_that_the_owner_of_the_lines_adds_are_never_called(full_desk: Desk) -> None:
    """The task that applies contracts may create functions in the schema, also with these names."""
    names = [*SHARED, *CALLED]
    arities = dict(
        rows(
            full_desk.database,
            "SELECT proname::text, pronargs::int FROM pg_proc WHERE proname = ANY (%s)",
            names,
        )
    )
    assert arities.keys() == set(names)
    body = "LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$"
    with full_desk.database.as_task("contracts").transaction() as cursor:
        for name, arity in arities.items():
            for kind in ("varchar", "anyelement") if arity else ():
                given = ", ".join([kind] * arity)
                cursor.execute(f"CREATE FUNCTION claimwatch.{name}({given}) RETURNS {kind} {body}")
    try:
        ann = person("ann", "investigator")
        auditor = person("eve", "auditor", purpose="audit")
        assert full_desk.me("ann", "investigator")["permissions"]
        for unmask in (False, True):
            full_desk.ask("read_claim", "glass", "g-1", caller=ann, unmask=unmask)
            full_desk.ask("read_claim", "glass", "?", caller=ann, unmask=unmask)
        full_desk.ask("read_claim", "glass", "g-1", caller=person("x"))
        full_desk.ask("claim_status", "glass", "g-1", caller=MACHINE)
        full_desk.ask("claim_status", "glass", "?", caller=MACHINE)
        full_desk.ask("models", "glass", caller=MACHINE)
        full_desk.ask("audit", {"claim": "g-1"}, caller=auditor)
        full_desk.ask("audit", {"since": "x"}, caller=auditor)
        full_desk.ask("permissions", caller=MACHINE)
        full_desk.ask("permissions", caller=person("x", purpose=None))
        full_desk.grant("group:x", "claim.read")
        full_desk.grant("group:x", "x")
        full_desk.ask("revoke", "group:x", "claim.read", "*", "w", caller=MACHINE)
        full_desk.ask("refused", "claim.read", caller=MACHINE, via="v1", reason="malformed")
        work_on_a_case(full_desk)
        for name in OVERVIEWS:
            full_desk.ask_desk(
                name, person("sue", "lead", purpose="operations"), line="glass", version="1", why="w"
            )
            full_desk.ask_desk(name, person("x", "nobody"))
    finally:
        with full_desk.database.as_task("contracts").transaction() as cursor:
            for name, arity in arities.items():
                for kind in ("varchar", "anyelement") if arity else ():
                    cursor.execute(f"DROP FUNCTION claimwatch.{name}({', '.join([kind] * arity)})")


# -- Nobody changes events -----------------------------------------------------------------------------------

CHANGES = {
    "update": "UPDATE claimwatch.{} SET {} = DEFAULT",
    "delete": "DELETE FROM claimwatch.{}",
    "truncate": "TRUNCATE claimwatch.{}",
    "disable the trigger": "ALTER TABLE claimwatch.{} DISABLE TRIGGER USER",
    "disable the policies": "ALTER TABLE claimwatch.{} DISABLE ROW LEVEL SECURITY",
    "drop": "DROP TABLE claimwatch.{} CASCADE",
    "become a replica": "SET session_replication_role = replica",
    "become the owner of functions": f"SET ROLE {DEFINER}",
}


@pytest.mark.parametrize("task", TASKS)
def test_no_task_can_change_or_delete_events_and_seals(full_desk: Desk, task: str) -> None:
    database = full_desk.database.as_task(task)
    for table, column in (("access_event", "actor"), ("audit_seal", "root")):
        for what, statement in CHANGES.items():
            assert refused(database, statement.format(table, column)), (table, what)


def test_no_role_has_a_privilege_to_change_events(full_desk: Desk) -> None:
    roles = [
        name for (name,) in rows(full_desk.database, "SELECT rolname::text FROM pg_roles WHERE NOT rolsuper")
    ]
    own = [name for name in roles if name.startswith("claimwatch_") or name.endswith("_login")]
    assert len(own) >= 2 * len(TASKS) + 1
    for role in [*own, "public"]:
        found = privileges(full_desk.database, role)
        for table in ("access_event", "audit_seal"):
            words = found.get(table, "").replace(f"INSERT({EVENT})", "INSERT").split()
            assert set(words) <= {"SELECT", "INSERT"}, (role, table)


@pytest.mark.parametrize("table", ["access_event", "audit_seal", "score_request"])
@pytest.mark.parametrize("what", ["update", "delete", "truncate"])
def test_even_the_owner_has_to_disable_a_trigger_first(full_desk: Desk, table: str, what: str) -> None:
    column = {"access_event": "at", "audit_seal": "sealed_at", "score_request": "recorded_at"}[table]
    full_desk.ask("models", "glass", caller=MACHINE)
    with full_desk.database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO claimwatch.audit_seal (number, first_seq, last_seq, events, root, previous, sha256,"
            " uri, object_version)"
            " VALUES (1, 1, 1, 1, sha256(''), sha256(''), sha256(''), 's3://b/k', 'v') ON CONFLICT DO NOTHING"
        )
        cursor.execute(
            "INSERT INTO claimwatch.score_request (request_id, position, requested_at, actor, action,"
            " outcome, code_version)"
            " VALUES ('r', -1, now(), 'a', 'score', 'refused', 'c') ON CONFLICT DO NOTHING"
        )
    with (
        pytest.raises(StatementRefused, match="InsufficientPrivilege"),
        full_desk.database.transaction() as cursor,
    ):
        cursor.execute(CHANGES[what].format(table, column))


ADDED = "INSERT INTO claimwatch.access_event ({}) {} VALUES ({})"
COLUMNS = "actor, via, action, outcome, purpose"
FORGED = {
    "a number is chosen": (f"seq, {COLUMNS}", "1, 'a', 'v1', 'score', 'answered', 'audit'"),
    "a grant is invented": (COLUMNS, "'a', 'v1', 'permission.grant', 'answered', 'audit'"),
    "a person is invented": (COLUMNS, "'a', 'app', 'score', 'answered', 'audit'"),
    "a reading is invented": (COLUMNS, "'a', 'app', 'claim.read', 'answered', 'audit'"),
}


@pytest.mark.parametrize("task", ["record", "audit"])
@pytest.mark.parametrize("what", FORGED)
def test_who_may_add_events_may_not_add_every_event(full_desk: Desk, task: str, what: str) -> None:
    columns, values = FORGED[what]
    overriding = "OVERRIDING SYSTEM VALUE" if "seq" in columns else ""
    assert refused(full_desk.database.as_task(task), ADDED.format(columns, overriding, values))


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ("'', 'v1', 'score', 'refused', NULL", "actor"),
        ("'a', 'web', 'score', 'refused', NULL", "via"),
        ("'a', 'v1', 'Score it', 'refused', NULL", "action"),
        ("'a', 'v1', 'score', 'done', 'audit'", "outcome"),
        ("'a', 'v1', 'score', 'answered', NULL", "check"),
        ("'a', 'v1', 'score', 'answered', ''", "check"),
    ],
)
def test_an_event_says_who_asked_what_with_which_result_and_why(
    full_desk: Desk, values: str, constraint: str
) -> None:
    """Whatever was handed out has a purpose, even if the code forgets to ask for it."""
    with (
        pytest.raises(StatementRefused, match=f"CheckViolation.*{constraint}"),
        full_desk.database.transaction() as cursor,
    ):
        cursor.execute(ADDED.format(COLUMNS, "", values))
