"""Every claim of a committed file is scored, once by each live model."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from claimwatch.scoring import plan_scoring, score_rows
from claimwatch.scoring.claim_table import Column
from claimwatch.scoring.scorer import audit_sample
from claimwatch.storage import scores
from claimwatch.storage.connection import StatementRefused
from tests.integration.ingest.glass import GLASS
from tests.integration.models.environment import LINE, AmountModel, CorruptBundle, ModelEnvironment

LABEL = """\
      - name: fraud
        logicalType: boolean
        customProperties: [{property: role, value: label}]
"""


@pytest.fixture
def with_champion(environment: ModelEnvironment) -> ModelEnvironment:
    environment.register("1")
    environment.promote("1")
    return environment


def test_each_claim_gets_a_score_with_its_context(with_champion: ModelEnvironment) -> None:
    file = with_champion.drop(500, 4500, 4000)

    scored = with_champion.score(file["file_id"])

    assert (scored.claims, scored.referred, scored.waits) == ({"champion": 3}, 2, False)
    low, high, edge = with_champion.scores()
    assert (low["claim_id"], low["probability"], low["referred"], low["reasons"]) == ("f0", 0.1, False, None)
    assert (high["probability"], high["percentile"], high["referred"]) == (0.9, 90.0, True)
    assert high["reasons"] == [{"feature": "amount", "value": 4500.0}]
    assert edge["referred"] is True
    for row in (low, high, edge):
        context = (row["line"], row["file_id"], row["model_version"], row["role"], row["threshold"])
        assert context == (LINE, file["file_id"], "1", "champion", 0.8)
        assert (row["contract_version"], row["code_version"]) == ("1.0.0", "code-1")
        assert row["scored_at"] is not None


def test_the_audit_sample_is_marked_whatever_the_score(with_champion: ModelEnvironment) -> None:
    file = with_champion.drop(*[100] * 20)

    with_champion.score(file["file_id"])

    assert [row["claim_id"] for row in with_champion.scores() if row["audit_sample"]] == ["f17", "f7"]


class Audited(AmountModel):
    """A model that draws half of the claims, as a promoted bundle does."""

    def audited(self, claim_ids: Column, key: bytes) -> npt.NDArray[np.bool_]:
        return audit_sample(claim_ids, 0.5, key)


def test_another_attempt_draws_the_same_claims_for_the_audit(with_champion: ModelEnvironment) -> None:
    with_champion.register("2", Audited())
    with_champion.promote("2")
    file = with_champion.drop(*[100] * 200)

    def drawn() -> list[str]:
        with_champion.score(file["file_id"])
        return [row["claim_id"] for row in with_champion.scores() if row["audit_sample"]]

    first = drawn()
    with with_champion.site.database.transaction() as cursor:
        cursor.execute("DELETE FROM claimwatch.score; DELETE FROM claimwatch.scored_chunk")
        cursor.execute("DELETE FROM claimwatch.profile")

    assert 60 < len(first) < 140
    assert drawn() == first
    # Whoever knows the claim ids only draws other claims.
    claim_ids = [row["claim_id"] for row in with_champion.scores()]
    guessed = np.array(claim_ids)[audit_sample(claim_ids, 0.5, bytes(32))].tolist()
    assert guessed != first


def test_a_repeated_task_scores_a_chunk_only_once(with_champion: ModelEnvironment) -> None:
    file = with_champion.drop(500, 4500)

    with_champion.score(file["file_id"])
    again = with_champion.score(file["file_id"])

    assert again.claims == {}
    assert len(with_champion.scores()) == 2


def test_concurrent_tasks_score_a_chunk_only_once(with_champion: ModelEnvironment) -> None:
    file = with_champion.drop(*range(100, 4000, 10))

    def one(_: int) -> int:
        with closing(with_champion.site.database.separately("scoring")) as database:
            deps = replace(with_champion.scoring, database=database)
            return score_rows.score_chunk(deps, file["file_id"], 0).claims.get("champion", 0)

    with ThreadPoolExecutor(6) as pool:
        assert 390 in pool.map(one, range(6))
    assert len(with_champion.scores()) == 390


@pytest.mark.usefixtures("small_chunks")
def test_the_chunks_of_a_file_together_score_all_of_it(with_champion: ModelEnvironment) -> None:
    file = with_champion.drop(*range(100, 600, 10))
    assert file["chunks"] > 5
    plan = plan_scoring.Dependencies(with_champion.site.database.as_task("scoring"), with_champion.site)

    planned = plan_scoring.plan_file(plan, file["file_id"])
    assert planned.status == "ready"
    assert len(planned.units) == file["chunks"]
    for unit in planned.units:
        with_champion.score(**vars(unit))

    assert len(with_champion.scores()) == 50
    assert plan_scoring.plan_file(plan, file["file_id"]).status == "done"
    assert with_champion.site.query("SELECT * FROM claimwatch.unscored_file") == []


def test_quarantined_rows_are_not_scored(with_champion: ModelEnvironment) -> None:
    file = with_champion.drop(500, 99999)  # the contract allows at most 5,000
    assert file["rows_quarantined"] == 1

    with_champion.score(file["file_id"])

    assert [row["claim_id"] for row in with_champion.scores()] == ["f0"]


def test_a_challenger_scores_in_shadow_and_refers_nothing(with_champion: ModelEnvironment) -> None:
    with_champion.register("2", AmountModel(factor=0.5))
    with_champion.promote("2", "challenger")
    file = with_champion.drop(500, 4500)

    with_champion.score(file["file_id"])

    rows = [(row["role"], row["model_version"], row["probability"]) for row in with_champion.scores()]
    assert rows == [
        ("challenger", "2", 0.05),
        ("challenger", "2", 0.45),
        ("champion", "1", 0.1),
        ("champion", "1", 0.9),
    ]
    with with_champion.site.database.transaction() as cursor:
        queue = scores.work_list(cursor, LINE).claims
    assert [(row["claim_id"], row["model_version"]) for row in queue] == [("f1", "1")]


def test_a_corrupt_challenger_does_not_stop_the_champion(with_champion: ModelEnvironment) -> None:
    with_champion.register("2")
    with_champion.promote("2", "challenger")
    with_champion.corrupt.add("2")
    file = with_champion.drop(500, 4500)

    with pytest.raises(CorruptBundle):
        with_champion.score(file["file_id"])

    assert {row["role"] for row in with_champion.scores()} == {"champion"}
    with_champion.corrupt.clear()
    assert with_champion.score(file["file_id"]).claims == {"challenger": 2}


def test_a_bundle_that_differs_from_the_promoted_one_scores_nothing(with_champion: ModelEnvironment) -> None:
    file = with_champion.drop(500)
    with_champion.corrupt.add("1")

    with pytest.raises(CorruptBundle):
        with_champion.score(file["file_id"])

    assert with_champion.scores() == []


@pytest.mark.usefixtures("small_chunks")
def test_the_chunk_after_a_rollback_is_scored_by_the_previous_champion(
    with_champion: ModelEnvironment,
) -> None:
    with_champion.register("2", AmountModel(factor=0.5))
    with_champion.promote("2")
    file = with_champion.drop(*range(100, 600, 10))

    with_champion.score(file["file_id"], 0)
    with_champion.rollback()
    with_champion.score(file["file_id"], 1)

    chunks = with_champion.site.query("SELECT number, model_version FROM claimwatch.scored_chunk ORDER BY 1")
    assert [(row["number"], row["model_version"]) for row in chunks] == [(0, "2"), (1, "1")]


def test_without_a_champion_one_alert_is_sent_and_a_promotion_scores_the_claims(
    environment: ModelEnvironment,
) -> None:
    files = [environment.drop(500, 4500, name=name) for name in "ab"]
    environment.site.alerts.clear()
    plan = plan_scoring.Dependencies(environment.site.database.as_task("scoring"), environment.site)

    for file in files:
        assert plan_scoring.plan_file(plan, file["file_id"]).status == "without_champion"
        assert environment.score(file["file_id"]).waits
    assert ["line glass has no model" in alert.subject for alert in environment.site.alerts] == [True]
    waiting = environment.site.query("SELECT file_id, claims FROM claimwatch.unscored_file ORDER BY 1")
    assert waiting == [{"file_id": file["file_id"], "claims": 2} for file in files]

    environment.register("1")
    environment.promote("1")
    for unit in plan_scoring.plan_line(plan, LINE, only_unscored=True).units:
        environment.score(**vars(unit))

    assert len(environment.scores()) == 4
    assert environment.site.query("SELECT * FROM claimwatch.unscored_file") == []


def test_a_new_champion_rescores_claims_only_on_request(with_champion: ModelEnvironment) -> None:
    file = with_champion.drop(500)
    with_champion.score(file["file_id"])
    with_champion.register("2")
    with_champion.promote("2")
    plan = plan_scoring.Dependencies(with_champion.site.database.as_task("scoring"), with_champion.site)

    assert plan_scoring.plan_line(plan, LINE, only_unscored=True).status == "done"
    assert plan_scoring.plan_line(plan, LINE, file["received_at"]).status == "ready"


def test_missing_values_are_counted_and_scored_by_the_model(with_champion: ModelEnvironment) -> None:
    file = with_champion.drop(500)
    with with_champion.site.database.transaction() as cursor:
        cursor.execute("UPDATE claimwatch.claim_glass SET amount = NULL")

    with_champion.score(file["file_id"])

    [row] = with_champion.scores()
    assert row["probability"] == 0.5
    [chunk] = with_champion.site.query("SELECT missing, claims FROM claimwatch.scored_chunk")
    assert chunk == {"missing": {"amount": 1}, "claims": 1}


def cases(environment: ModelEnvironment) -> dict[str, tuple[str, str]]:
    """Return origin and state of each case."""
    found = environment.site.query("SELECT claim_id, origin, state FROM claimwatch.review_case")
    return {row["claim_id"]: (row["origin"], row["state"]) for row in found}


def test_what_the_champion_refers_or_draws_is_a_case_as_soon_as_it_is_scored(
    with_champion: ModelEnvironment,
) -> None:
    file = with_champion.drop(4500, *[100] * 7, 4600)
    with_champion.score(file["file_id"])

    assert cases(with_champion) == {
        "f0": ("referral", "open"),
        "f7": ("random_audit", "open"),
        "f8": ("referral", "open"),
    }


def test_scores_whose_cases_cannot_be_opened_are_not_stored_either(with_champion: ModelEnvironment) -> None:
    file = with_champion.drop(4500, 100)
    with_champion.site.query(
        "ALTER TABLE claimwatch.review_case ADD CONSTRAINT no CHECK (false) NOT VALID; SELECT 1"
    )
    with pytest.raises(StatementRefused):
        with_champion.score(file["file_id"])
    assert with_champion.scores() == []

    with_champion.site.query("ALTER TABLE claimwatch.review_case DROP CONSTRAINT no; SELECT 1")
    with_champion.score(file["file_id"])
    assert list(cases(with_champion)) == ["f0"]


def test_a_challenger_opens_no_case(with_champion: ModelEnvironment) -> None:
    with_champion.register("2", AmountModel(threshold=0.01))
    with_champion.promote("2", "challenger")
    file = with_champion.drop(100, 4500)
    with_champion.score(file["file_id"])

    assert list(cases(with_champion)) == ["f1"]


def test_an_outcome_settles_the_case_in_the_transaction_that_commits_it(
    with_champion: ModelEnvironment,
) -> None:
    file = with_champion.drop(4500, 4600)
    with_champion.score(file["file_id"])
    with_champion.site.drop(
        f"outcomes/{LINE}/a.csv", "claim_id,is_fraud,decided_at\nf0,true,2026-03-01T00:00:00Z\n"
    )
    assert cases(with_champion) == {"f0": ("referral", "settled"), "f1": ("referral", "open")}


def test_a_decided_claim_leaves_the_queue_and_a_corrected_claim_is_listed_once(
    with_champion: ModelEnvironment,
) -> None:
    for amounts in ((4100, 4500, 4700), (4200,)):  # the second file corrects the first claim
        file = with_champion.drop(*amounts)
        with_champion.score(file["file_id"])
    with_champion.site.drop(
        "outcomes/glass/o.csv", "claim_id,is_fraud,decided_at\nf2,true,2026-03-20T10:00:00\n"
    )

    with with_champion.site.database.transaction() as cursor:
        queue = scores.work_list(cursor, LINE, most_suspicious_first=True).claims
        everything = scores.work_list(cursor, LINE, decided=True, most_suspicious_first=True).claims

    assert [(row["claim_id"], row["probability"]) for row in queue] == [("f1", 0.9), ("f0", 0.84)]
    assert [row["claim_id"] for row in everything] == ["f2", "f1", "f0"]


def test_a_label_that_was_written_before_anybody_decided_does_not_leave_the_queue(
    with_champion: ModelEnvironment,
) -> None:
    site = with_champion.site
    labelled = GLASS.replace("version: 1.0.0", "version: 1.1.0") + LABEL
    assert site.put_contract("glass", labelled).status == "applied"
    rows = ["f1,2026-02-27,4500,N", "f2,2026-02-27,4500,Y", "f3,2025-11-27,4500,N", "f4,2026-02-27,4500,"]
    text = "\n".join(["claim_id,broken_on,amount,fraud", *rows, ""])
    with_champion.score(site.drop("claims/glass/f.csv", text)["file_id"])

    with site.database.transaction() as cursor:
        queue = scores.work_list(cursor, LINE).claims

    assert sorted(row["claim_id"] for row in queue) == ["f1", "f4"]
