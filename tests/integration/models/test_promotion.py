"""What is live, since when and why: a history that only grows, and one call back."""

import itertools
import threading
from contextlib import closing

import pytest
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - it is a class

from claimwatch.errors import RefusedData
from claimwatch.models import promote
from claimwatch.scoring import plan_scoring
from claimwatch.storage import models
from claimwatch.storage.connection import StatementRefused
from tests.cluster import database_at
from tests.integration.models.environment import LINE, AmountModel, House, WrongBytes


@pytest.fixture
def three(house: House) -> House:
    for version in "123":
        house.register(version)
    return house


def test_a_promoted_model_is_live_and_the_history_says_who_when_and_why(three: House) -> None:
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
def test_the_history_cannot_be_changed(three: House, statement: str) -> None:
    three.promote("1")

    with pytest.raises(StatementRefused), three.site.database.transaction() as cursor:
        cursor.execute(statement)

    assert three.live() == {"champion": "1"}


def test_the_same_request_again_promotes_once(three: House) -> None:
    first = three.promote("1", request_id="a")
    three.promote("2")

    again = three.promote("1", request_id="a")

    assert (again.version, first.version) == ("1", "1")
    assert three.live() == {"champion": "2"}
    assert len(three.site.query("SELECT FROM claimwatch.promotion")) == 2


def test_what_is_live_already_is_not_promoted_again(three: House) -> None:
    three.promote("1")

    assert three.promote("1").changed is False
    assert len(three.site.query("SELECT FROM claimwatch.promotion")) == 1


def test_a_request_that_changed_nothing_changes_nothing_when_it_comes_again(three: House) -> None:
    three.promote("1")
    three.promote("1", request_id="late")
    three.promote("2")

    again = three.promote("1", request_id="late")

    assert (again.version, again.changed) == ("1", False)
    assert three.live() == {"champion": "2"}, "what somebody else did in between stays"


def test_each_roll_back_goes_one_step_further_back(three: House) -> None:
    for version in "123":
        three.promote(version)

    assert three.rollback().version == "2"
    assert three.rollback().version == "1"
    with pytest.raises(RefusedData, match="no previous champion"):
        three.rollback()
    assert three.live() == {"champion": "1"}


def test_a_roll_back_that_is_asked_for_twice_by_one_request_goes_one_step(three: House) -> None:
    for version in "123":
        three.promote(version)

    assert [three.rollback("r").version for _ in range(2)] == ["2", "2"]
    assert three.live() == {"champion": "2"}


def test_after_a_roll_back_another_model_can_be_promoted_and_rolled_back(three: House) -> None:
    three.promote("1")
    three.promote("2")
    three.rollback()
    three.promote("3")

    assert three.rollback().version == "1"


def test_a_challenger_that_becomes_champion_challenges_no_longer(three: House) -> None:
    three.promote("1")
    three.promote("2", "challenger")
    assert three.live() == {"champion": "1", "challenger": "2"}

    three.promote("2")

    assert three.live() == {"champion": "2"}
    with pytest.raises(RefusedData, match="challenge itself"):
        three.promote("2", "challenger")


def test_what_was_live_on_a_date_can_be_told(three: House) -> None:
    three.promote("1")
    [first] = three.site.query("SELECT at FROM claimwatch.promotion")
    three.promote("2")

    with three.site.database.transaction() as cursor:
        then = models.history(cursor, LINE, first["at"])
        now = models.history(cursor, LINE)

    assert [entry.version for entry in then] == ["1"]
    assert [entry.version for entry in now] == ["2", "1"]


def test_a_refused_model_an_unknown_one_and_a_reason_left_out_are_refused(three: House) -> None:
    three.register("4", refused_because="worse than the champion")

    with pytest.raises(RefusedData, match="worse than the champion"):
        three.promote("4")
    with pytest.raises(RefusedData, match="no model 9"):
        three.promote("9")
    with pytest.raises(RefusedData, match="give a reason"):
        promote.Request("r", "ann", "  ")
    assert three.live() == {}


def test_a_bundle_whose_bytes_are_not_those_that_were_registered_is_not_promoted(three: House) -> None:
    three.spoilt.add("1")

    with pytest.raises(WrongBytes):
        three.promote("1")

    assert three.live() == {}


def test_a_model_that_wants_columns_which_the_line_does_not_have_is_refused(three: House) -> None:
    three.register("4", AmountModel(kinds={"amount": "number", "mileage": "number"}))

    with pytest.raises(RefusedData, match="mileage"):
        three.promote("4")


def test_a_promotion_has_what_waits_scored_and_asks_for_it_again_when_asked_again(three: House) -> None:
    three.drop(100)

    assert three.promote("1", request_id="a").unscored_files == 1
    three.promote("1", request_id="a")

    assert three.backfills == [(LINE, "a", None, True)] * 2  # one execution, for it is named by the request


def test_a_file_that_is_committed_just_before_the_promotion_is_not_forgotten(
    three: House, database_url: str
) -> None:
    plan = plan_scoring.Dependencies(three.site.database, three.site)
    planned: list[str] = []

    class Slow(PgConnection):
        def commit(self) -> None:
            if not planned and not three.live():  # the history has its new entry, and nobody sees it yet
                planned.append(plan_scoring.plan_file(plan, three.drop(100)["file_id"]).status)
            super().commit()

    with closing(database_at(database_url, connection_factory=Slow)) as database:
        deps = promote.Dependencies(database, three.promoting.columns_of, three)
        promoted = promote.promote(deps, three.request("a"), LINE, "1", "champion")

    assert planned == ["without_champion"]
    assert promoted.unscored_files == 1
    assert three.backfills == [(LINE, "a", None, True)]


def test_of_many_promotions_at_once_each_is_in_the_history_and_the_last_is_live(
    three: House, database_url: str
) -> None:
    def one(number: int) -> None:
        with closing(database_at(database_url)) as database:
            deps = promote.Dependencies(database, three.promoting.columns_of, three)
            version = "123"[number % 3]
            promote.promote(deps, promote.Request(f"r{number}", "bob", "load"), LINE, version, "champion")

    threads = [threading.Thread(target=one, args=[number]) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with three.site.database.transaction() as cursor:
        history = models.history(cursor, LINE)
    assert three.live() == {"champion": history[0].version}
    # Nobody promoted what was live already, so no version stands twice in a row.
    assert all(one.version != other.version for one, other in itertools.pairwise(history))


def test_aliases_of_mlflow_follow_where_its_registry_is_in_the_database(three: House) -> None:
    with three.site.database.transaction() as cursor:
        cursor.execute(
            """
            CREATE SCHEMA mlflow;
            CREATE TABLE mlflow.model_version_tags (name text, version integer, key text, value text);
            CREATE TABLE mlflow.registered_model_aliases (
                alias text, version integer, name text, PRIMARY KEY (name, alias)
            );
            INSERT INTO mlflow.model_version_tags
            VALUES ('glass', 11, 'version', '1'), ('glass', 12, 'version', '2');
            """
        )

    three.promote("1")
    three.promote("2", "challenger")
    before = three.site.query("SELECT alias, version FROM mlflow.registered_model_aliases ORDER BY alias")
    three.promote("2")
    three.rollback()
    after = three.site.query("SELECT alias, version FROM mlflow.registered_model_aliases ORDER BY alias")

    assert [(row["alias"], row["version"]) for row in before] == [("challenger", 12), ("champion", 11)]
    assert [(row["alias"], row["version"]) for row in after] == [("champion", 11)]
