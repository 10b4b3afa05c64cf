"""Promotion and rollback: what is live, since when and why, in an append-only history."""

import itertools
import threading
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date

import pytest
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - it is a class

from claimwatch.aws.published import Pointer
from claimwatch.errors import RefusedData, TransientFault
from claimwatch.models import promote
from claimwatch.models.live_pointers import publish_champions
from claimwatch.scoring import plan_scoring
from claimwatch.storage import models
from claimwatch.storage.connection import StatementRefused
from tests.integration.ingest.glass import GLASS
from tests.integration.models.environment import CALLER, LINE, AmountModel, CorruptBundle, ModelEnvironment
from tests.pointers import PointerFiles


@pytest.fixture
def three(environment: ModelEnvironment) -> ModelEnvironment:
    for version in "123":
        environment.register(version)
    return environment


def test_a_promoted_model_is_live_and_the_history_records_who_when_and_why(three: ModelEnvironment) -> None:
    promoted = three.promote("1")

    assert (promoted.version, promoted.role, promoted.changed) == ("1", "champion", True)
    assert three.live() == {"champion": "1"}
    [entry] = three.site.query("SELECT * FROM claimwatch.promotion")
    assert (entry["by"], entry["why"], entry["bundle_sha256"]) == ("ann", "it finds more", "111")
    assert entry["at"] is not None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE claimwatch.promotion SET why = 'another'",
        "DELETE FROM claimwatch.promotion",
        "TRUNCATE claimwatch.promotion",
    ],
)
def test_the_history_cannot_be_changed(three: ModelEnvironment, statement: str) -> None:
    three.promote("1")

    with pytest.raises(StatementRefused), three.site.database.transaction() as cursor:
        cursor.execute(statement)

    assert three.live() == {"champion": "1"}


def test_a_repeated_request_promotes_only_once(three: ModelEnvironment) -> None:
    first = three.promote("1", request_id="a")
    three.promote("2")

    again = three.promote("1", request_id="a")

    assert (again.version, first.version) == ("1", "1")
    assert three.live() == {"champion": "2"}
    assert len(three.site.query("SELECT FROM claimwatch.promotion")) == 2


def test_a_live_model_is_not_promoted_again(three: ModelEnvironment) -> None:
    three.promote("1")

    assert three.promote("1").changed is False
    assert len(three.site.query("SELECT FROM claimwatch.promotion")) == 1


def test_a_repeated_request_that_changed_nothing_still_changes_nothing(three: ModelEnvironment) -> None:
    three.promote("1")
    three.promote("1", request_id="late")
    three.promote("2")

    again = three.promote("1", request_id="late")

    assert (again.version, again.changed) == ("1", False)
    assert three.live() == {"champion": "2"}, "a promotion by someone else in between stays"


def test_each_rollback_goes_one_step_further_back(three: ModelEnvironment) -> None:
    for version in "123":
        three.promote(version)

    assert three.rollback().version == "2"
    assert three.rollback().version == "1"
    with pytest.raises(RefusedData, match="no previous champion"):
        three.rollback()
    assert three.live() == {"champion": "1"}


def test_a_repeated_rollback_request_goes_only_one_step_back(three: ModelEnvironment) -> None:
    for version in "123":
        three.promote(version)

    assert [three.rollback("r").version for _ in range(2)] == ["2", "2"]
    assert three.live() == {"champion": "2"}


def test_after_a_rollback_another_model_can_be_promoted_and_rolled_back(three: ModelEnvironment) -> None:
    three.promote("1")
    three.promote("2")
    three.rollback()
    three.promote("3")

    assert three.rollback().version == "1"


def test_a_promoted_challenger_leaves_the_challenger_role(three: ModelEnvironment) -> None:
    three.promote("1")
    three.promote("2", "challenger")
    assert three.live() == {"champion": "1", "challenger": "2"}

    three.promote("2")

    assert three.live() == {"champion": "2"}
    with pytest.raises(RefusedData, match="challenge itself"):
        three.promote("2", "challenger")


def test_the_history_shows_what_was_live_at_a_time(three: ModelEnvironment) -> None:
    three.promote("1")
    [first] = three.site.query("SELECT at FROM claimwatch.promotion")
    three.promote("2")

    with three.site.database.transaction() as cursor:
        then = models.history(cursor, LINE, first["at"])
        now = models.history(cursor, LINE)

    assert [entry.version for entry in then] == ["1"]
    assert [entry.version for entry in now] == ["2", "1"]


def test_a_refused_model_an_unknown_model_and_a_missing_reason_are_rejected(three: ModelEnvironment) -> None:
    three.register("4", refused_because="worse than the champion")

    with pytest.raises(RefusedData, match="worse than the champion"):
        three.promote("4")
    with pytest.raises(RefusedData, match="no model 9"):
        three.promote("9")
    with pytest.raises(RefusedData, match="give a reason"):
        promote.Request("r", "ann", "  ", CALLER)
    assert three.live() == {}


def test_the_model_of_a_back_test_goes_live_only_if_its_day_is_named(three: ModelEnvironment) -> None:
    three.register("4", as_of=date(2026, 3, 31))

    with pytest.raises(RefusedData, match="promote glass 4 --as challenger --as-of 2026-03-31 --why"):
        three.promote("4", "challenger")
    with pytest.raises(RefusedData, match="nothing after 2026-03-31"):
        three.promote("4", as_of=date(2026, 3, 30))
    with pytest.raises(RefusedData, match="not from a back-test"):
        three.promote("1", as_of=date(2026, 3, 31))
    assert three.live() == {}

    three.promote("1")
    three.promote("4", as_of=date(2026, 3, 31))
    three.promote("2")
    three.rollback()  # to a model whose promotion was decided knowingly

    history = three.site.query("SELECT version, as_of FROM claimwatch.promotion ORDER BY promotion_id")
    assert [(row["version"], row["as_of"]) for row in history] == [
        ("1", None),
        ("4", date(2026, 3, 31)),
        ("2", None),
        ("4", None),
    ]


WARNINGS = [
    {"kind": "strong_feature", "column": "amount", "found": "alone it reaches a ROC-AUC of 0.93"},
    {"kind": "disparity", "column": "number of panes", "found": "the old are referred 1.9 times as often"},
    {"kind": "dominant_feature", "column": "amount", "found": "81 % of the gain"},
]


def test_a_model_with_warnings_goes_live_only_if_every_warned_column_is_named(
    three: ModelEnvironment,
) -> None:
    three.register("4", warnings=WARNINGS)

    for named in ((), ("amount",)):
        with pytest.raises(RefusedData) as refused:
            three.promote("4", "challenger", trust=named)
        sentence = str(refused.value)
        assert "number of panes: the old are referred" in sentence
        assert ("81 %" in sentence, "0.93" in sentence) == (not named, not named)
        assert (
            "`claimwatch promote glass 4 --as challenger --trust amount --trust 'number of panes'" in sentence
        )
    assert three.live() == {}

    promoted = three.promote("4", trust=("number of panes", "amount"))

    assert promoted.remarks == ("Promoted in spite of warnings about: number of panes, amount.",)
    [entry] = three.site.query("SELECT trusted FROM claimwatch.promotion")
    assert entry["trusted"] == ["number of panes", "amount"]


def test_a_live_model_asks_for_nothing_again(three: ModelEnvironment) -> None:
    three.register("4", warnings=WARNINGS, as_of=date(2026, 3, 31))
    three.promote("4", trust=("amount", "number of panes"), as_of=date(2026, 3, 31))

    again = three.promote("4")

    assert (again.changed, again.version) == (False, "4")
    with pytest.raises(RefusedData, match="from a back-test"):
        three.promote("4", "challenger")


def test_a_feature_that_stands_for_a_protected_attribute_is_named_and_asks_for_no_answer(
    three: ModelEnvironment,
) -> None:
    proxy = {"kind": "proxy", "column": "region", "found": "it tells the region"}
    three.register("4", warnings=[proxy, WARNINGS[0]])

    with pytest.raises(RefusedData) as refused:
        three.promote("4")
    assert "region" not in str(refused.value)
    assert three.promote("4", trust=("amount",)).changed


def test_trust_in_a_column_without_a_warning_is_refused_because_it_may_be_misspelt(
    three: ModelEnvironment,
) -> None:
    three.register("4", warnings=WARNINGS)

    with pytest.raises(
        RefusedData, match=r"1 of the columns to trust has no warning.*amount, number of panes"
    ):
        three.promote("4", trust=("amount", "number of panes", "mount"))
    with pytest.raises(RefusedData, match="model 1 has no warnings"):
        three.promote("1", trust=("amount",))


def test_a_rollback_needs_no_new_trust(three: ModelEnvironment) -> None:
    three.register("4", warnings=WARNINGS)
    three.promote("4", trust=("amount", "number of panes"))
    three.promote("1")

    assert three.rollback().version == "4"


PROTECTED = """\
      - name: age
        logicalType: integer
        customProperties: [{property: role, value: protected}]
      - name: sex
        logicalType: string
        customProperties: [{property: role, value: protected}]
"""
OF_AGE = GLASS.replace("version: 1.0.0", "version: 1.1.0") + PROTECTED
AS_FEATURE = OF_AGE.replace("version: 1.1.0", "version: 1.2.0").replace(
    "role, value: protected", "role, value: feature", 1
)


def test_columns_that_are_no_longer_protected_are_named_at_promotion_and_in_the_history(
    three: ModelEnvironment,
) -> None:
    for text in (OF_AGE, AS_FEATURE):
        assert three.site.put_contract("glass", text).status == "applied"
    three.register("4", contract_version="1.1.0")
    three.register("5", contract_version="1.2.0")
    assert three.promote("1").remarks == ()
    assert three.promote("4").remarks == (), "columns that become protected are nothing to report"

    as_challenger, as_champion = (three.promote("5", role) for role in ("challenger", "champion"))

    [remark] = as_champion.remarks
    assert as_challenger.remarks == as_champion.remarks
    assert "age (now feature)." in remark
    assert "sex" not in remark
    [entry] = three.site.query(
        "SELECT no_longer_protected FROM claimwatch.promotion WHERE version = '5' AND role = 'champion'"
    )
    assert entry["no_longer_protected"] == {"age": "feature"}


def test_a_promotion_says_so_if_protected_columns_could_not_be_compared(three: ModelEnvironment) -> None:
    for text in (OF_AGE, AS_FEATURE):
        assert three.site.put_contract("glass", text).status == "applied"
    three.register("4", contract_version="1.1.0")
    three.register("5", contract_version="1.2.0")
    three.promote("4")
    with three.site.database.transaction() as cursor:
        cursor.execute("UPDATE claimwatch.contract SET text = 'schema: []' WHERE version = '1.1.0'")

    promoted, again = (three.promote("5", request_id="a") for _ in range(2))

    [remark] = promoted.remarks
    assert "contract 1.1.0 cannot be read" in remark
    assert again == promoted
    [entry] = three.site.query("SELECT unread_contracts FROM claimwatch.promotion WHERE version = '5'")
    assert entry["unread_contracts"] == ["1.1.0"]
    three.register("6", contract_version="0.9.0")
    three.register("7", contract_version="0.9.0")
    [remark] = three.promote("6").remarks
    assert "contract 0.9.0 cannot be read" in remark
    assert three.promote("7").remarks == (), "models of one contract have the same protected columns"


def test_a_repeated_request_gets_the_same_remarks(three: ModelEnvironment) -> None:
    three.register("4", warnings=WARNINGS)
    promoted = [three.promote("4", trust=("amount", "number of panes"), request_id="a") for _ in range(2)]
    assert promoted[0] == promoted[1]


def test_the_promotion_of_an_equal_model_says_so(three: ModelEnvironment) -> None:
    for version, served in (("4", "same"), ("5", "same"), ("6", "another")):
        three.register(version, served_sha256=served)
    three.promote("1")

    remarks = [three.promote(version).remarks for version in "4562"]

    assert [len(each) for each in remarks] == [0, 1, 0, 0]
    assert "equal to model 4" in remarks[1][0]
    history = three.site.query("SELECT equal_to FROM claimwatch.promotion ORDER BY promotion_id")
    assert [row["equal_to"] for row in history] == [None, None, "4", None, None]


def test_a_bundle_that_differs_from_the_registered_one_is_not_promoted(three: ModelEnvironment) -> None:
    three.corrupt.add("1")

    with pytest.raises(CorruptBundle):
        three.promote("1")

    assert three.live() == {}


def test_a_model_that_needs_missing_columns_is_refused(three: ModelEnvironment) -> None:
    three.register("4", AmountModel(kinds={"amount": "number", "mileage": "number"}))

    with pytest.raises(RefusedData, match="mileage"):
        three.promote("4")


def test_a_promotion_starts_scoring_and_a_repeated_request_starts_it_again(three: ModelEnvironment) -> None:
    three.drop(100)

    assert three.promote("1", request_id="a").unscored_files == 1
    three.promote("1", request_id="a")

    assert (
        three.backfills == [(LINE, "a", None, True)] * 2
    )  # only one execution, because the request names it


def test_a_file_committed_just_before_the_promotion_is_scored(
    three: ModelEnvironment, database_url: str
) -> None:
    plan = plan_scoring.Dependencies(three.site.database.as_task("scoring"), three.site)
    planned: list[str] = []

    class Slow(PgConnection):
        def commit(self) -> None:
            if not planned and not three.live():  # the new entry is written but not yet visible
                planned.append(plan_scoring.plan_file(plan, three.drop(100)["file_id"]).status)
            super().commit()

    with closing(three.site.database.separately("promotion", connection_factory=Slow)) as database:
        deps = promote.Dependencies(database, three.promoting.columns_of, three, three.pointers)
        promoted = promote.promote(deps, three.request("a"), LINE, "1", "champion")

    assert planned == ["without_champion"]
    assert promoted.unscored_files == 1
    assert three.backfills == [(LINE, "a", None, True)]


def test_concurrent_promotions_are_all_in_the_history_and_the_last_is_live(
    three: ModelEnvironment, database_url: str
) -> None:
    def one(number: int) -> None:
        with closing(three.site.database.separately("promotion")) as database:
            deps = promote.Dependencies(database, three.promoting.columns_of, three, three.pointers)
            version = "123"[number % 3]
            promote.promote(
                deps, promote.Request(f"r{number}", "bob", "load", CALLER), LINE, version, "champion"
            )

    threads = [threading.Thread(target=one, args=[number]) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with three.site.database.transaction() as cursor:
        history = models.history(cursor, LINE)
    assert three.live() == {"champion": history[0].version}
    # A live model is not promoted again, so no version comes twice in a row.
    assert all(one.version != other.version for one, other in itertools.pairwise(history))


# -- The published champion ----------------------------------------------------------------------------------


class BreakingPointers(PointerFiles):
    """A store of pointers that fails as often as it is told to."""

    def __init__(self, store: PointerFiles, failures: int) -> None:
        self.store, self.failures = store, failures

    def put(self, pointer: Pointer) -> None:
        if self.failures:
            self.failures -= 1
            raise TransientFault("Parameter Store did not answer: ThrottlingException")
        self.store.put(pointer)


def test_a_promotion_and_a_rollback_publish_the_champion_with_its_pinned_hash(
    three: ModelEnvironment,
) -> None:
    three.promote("1")
    first = three.pointers.read(LINE)
    three.promote("2")
    second = three.pointers.read(LINE)
    three.rollback()

    assert first == Pointer(LINE, "1", f"s3://artifacts/models/{LINE}/1/", "111")
    assert second == Pointer(LINE, "2", f"s3://artifacts/models/{LINE}/2/", "222")
    assert three.pointers.read(LINE) == first


def test_a_challenger_is_not_published(three: ModelEnvironment) -> None:
    three.promote("1", "challenger")
    assert three.pointers.lines() == set()

    three.promote("2")
    three.promote("3", "challenger")

    published = three.pointers.read(LINE)
    assert published is not None
    assert published.version == "2"


def test_a_refused_promotion_changes_nothing_that_is_published(three: ModelEnvironment) -> None:
    three.promote("1")
    published = three.pointers.read(LINE)
    three.corrupt.add("2")

    with pytest.raises(CorruptBundle):
        three.promote("2")

    assert three.pointers.read(LINE) == published


@pytest.mark.parametrize("repeated", ["a", "another id"])
def test_a_champion_that_could_not_be_published_is_published_by_the_repeated_request(
    three: ModelEnvironment, repeated: str
) -> None:
    three.promote("1")
    deps = replace(three.promoting, pointers=BreakingPointers(three.pointers, failures=1))

    with pytest.raises(TransientFault):
        promote.promote(deps, three.request("a"), LINE, "2", "champion")
    again = promote.promote(deps, three.request(repeated), LINE, "2", "champion")

    assert again.changed == (repeated == "a"), "the promotion itself was committed by the first try"
    published = three.pointers.read(LINE)
    assert published is not None
    assert published.version == "2"
    assert len(three.site.query("SELECT FROM claimwatch.promotion")) == 2


def test_a_request_repeated_late_publishes_what_is_live_now(three: ModelEnvironment) -> None:
    three.promote("1", request_id="a")
    three.promote("2")

    three.promote("1", request_id="a")

    published = three.pointers.read(LINE)
    assert published is not None
    assert published.version == "2"


def test_parallel_promotions_publish_the_champion_of_the_last_one(
    three: ModelEnvironment, database_url: str
) -> None:
    def one(number: int) -> None:
        with closing(three.site.database.separately("promotion")) as database:
            deps = replace(three.promoting, database=database)
            request = promote.Request(f"r{number}", "bob", "load", CALLER)
            if number % 4 == 3:
                with suppress(RefusedData):  # no previous champion yet
                    promote.rollback(deps, request, LINE)
            else:
                promote.promote(deps, request, LINE, "123"[number % 3], "champion")

    threads = [threading.Thread(target=one, args=[number]) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    published = three.pointers.read(LINE)
    assert published is not None
    assert three.live() == {"champion": published.version}


def test_a_deployment_publishes_all_champions_again_and_deletes_pointers_of_lines_without_one(
    three: ModelEnvironment,
) -> None:
    three.promote("1")
    three.promote("2", "challenger")
    right = three.pointers.read(LINE)
    three.pointers.put(Pointer(LINE, "9", "s3://elsewhere/", "9"))
    three.pointers.put(Pointer("gone", "1", "s3://artifacts/models/gone/1/", "1"))

    lines = publish_champions(three.promoting.database, three.pointers)

    assert lines == [LINE]
    assert three.pointers.lines() == {LINE}
    assert three.pointers.read(LINE) == right


def test_mlflow_aliases_follow_promotions_if_the_registry_is_in_the_database(three: ModelEnvironment) -> None:
    with three.site.database.as_task("training").transaction() as cursor:
        cursor.execute(
            """
            CREATE TABLE mlflow.model_version_tags (name text, version integer, key text, value text);
            CREATE TABLE mlflow.registered_model_aliases (
                alias text, version integer, name text, PRIMARY KEY (name, alias)
            );
            INSERT INTO mlflow.model_version_tags
            VALUES ('glass', 11, 'version', '1'), ('glass', 12, 'version', '2');
            """
        )
        models.grant_registry(cursor)

    three.promote("1")
    three.promote("2", "challenger")
    before = three.site.query("SELECT alias, version FROM mlflow.registered_model_aliases ORDER BY alias")
    three.promote("2")
    three.rollback()
    after = three.site.query("SELECT alias, version FROM mlflow.registered_model_aliases ORDER BY alias")

    assert [(row["alias"], row["version"]) for row in before] == [("challenger", 12), ("champion", 11)]
    assert [(row["alias"], row["version"]) for row in after] == [("champion", 11)]


def test_the_history_names_the_verified_caller_beside_the_written_name(three: ModelEnvironment) -> None:
    three.promote("1")
    three.promote("2", role="challenger")
    three.promote("2")  # also vacates the role of challenger
    three.rollback()

    with three.site.database.transaction() as cursor:
        entries = models.history(cursor, LINE)

    assert len(entries) == 5
    assert {(entry.by, entry.caller) for entry in entries} == {("ann", CALLER)}


@pytest.mark.parametrize("text", ["", " \t", "x" * 201, "a\x1b[2J", "a\nb", "a\u202eb", "a\0"])
def test_a_name_that_is_blank_long_or_not_printable_is_refused(text: str) -> None:
    with pytest.raises(RefusedData, match="'by' must be a name"):
        promote.Request("r", text, "it finds more", CALLER)


@pytest.mark.parametrize("text", ["", " ", "x" * 2001, "a\x1b[2J", "a\nb", "a\u202eb", "a\0"])
def test_a_reason_that_is_blank_long_or_not_printable_is_refused(text: str) -> None:
    with pytest.raises(RefusedData, match="give a reason"):
        promote.Request("r", "ann", text, CALLER)


@pytest.mark.parametrize("text", ["", "x" * 65, "a\x1b", "é"])
def test_an_id_that_cannot_be_stored_is_refused(text: str) -> None:
    with pytest.raises(RefusedData, match="id of a request"):
        promote.Request(text, "ann", "it finds more", CALLER)


@pytest.mark.parametrize("version", ["", "../1", "1 or 2", "1\x1b", "x" * 65])
def test_a_version_that_no_model_can_have_is_refused_without_being_quoted(
    three: ModelEnvironment, version: str
) -> None:
    with pytest.raises(RefusedData, match="'version' must have") as refused:
        three.promote(version)
    assert version not in str(refused.value) or not version


@pytest.mark.parametrize("line", ["", "Glass", "glass;", "glass/../x", "image", "g" * 41])
def test_a_line_that_cannot_exist_is_refused(three: ModelEnvironment, line: str) -> None:
    with pytest.raises(RefusedData, match="not the name of a line"):
        promote.promote(three.promoting, three.request(), line, "1", "champion")
    with pytest.raises(RefusedData, match="not the name of a line"):
        promote.rollback(three.promoting, three.request(), line)
