"""After a schedule, and at every moment of it: are the scores and the history exactly what they must be?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from tests.faults.scores.environment import LINE, ScoreNotes
from tests.faults.scores.model import CLOSE, MODELS, Claim, Entry, bundle, wrong_entries
from tests.faults.verdict import Verdict
from tests.faults.watcher import Watcher

LOOK = """
    SELECT (SELECT coalesce(json_agg(json_build_array(promotion_id, request_id, version, role, action,
                                                      at::text, by, why, bundle_sha256)
                                    ORDER BY promotion_id), '[]')
            FROM claimwatch.promotion),
           (SELECT coalesce(json_object_agg(role, version), '{}') FROM claimwatch.live_model),
           (SELECT coalesce(json_object_agg(a.alias, t.value), '{}')
            FROM mlflow.registered_model_aliases AS a
            JOIN mlflow.model_version_tags AS t USING (name, version)),
           (SELECT coalesce(json_agg(json_build_array(file_id, model_version, role, claims)), '[]')
            FROM (SELECT file_id, model_version, role, sum(claims) AS claims FROM claimwatch.scored_chunk
                  GROUP BY 1, 2, 3 HAVING sum(claims) > 0) AS counted),
           (SELECT coalesce(json_agg(json_build_array(file_id, model_version, role, claims)), '[]')
            FROM (SELECT file_id, model_version, role, count(*) AS claims FROM claimwatch.score
                  GROUP BY 1, 2, 3) AS written)
"""
"""One statement, so that all of it is seen at one moment."""

SCORES = """
    SELECT file_id, model_version, role, claim_id, probability, percentile, referred, audit_sample, reasons,
           threshold, contract_version, code_version
    FROM claimwatch.score
"""

_MODELS = {model.version: model for model in MODELS}


@dataclass(frozen=True)
class Loaded:
    """A file as it is loaded: its sound claims, and the first row of each chunk."""

    label: str
    claims: Sequence[Claim]
    first_rows: Sequence[int]

    def chunk(self, number: int) -> list[Claim]:
        """The claims of a chunk."""
        following = self.first_rows[number + 1 : number + 2]
        last = following[0] if following else float("inf")
        return [claim for claim in self.claims if self.first_rows[number] <= claim.row_number < last]


class ScoresWatcher(Watcher):
    """Must see a history that only grows, what is live as it says, and the scores of whole chunks."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._history: list[Any] = []

    def look(self, connection: PgConnection) -> list[str]:
        """Compare what is there with what was, and its parts with each other."""
        with connection.cursor() as cursor:
            cursor.execute(LOOK)
            row = cursor.fetchone()
        assert row is not None
        history, live, aliases, counted, written = row
        verdict = Verdict()
        if history[: len(self._history)] != self._history:
            verdict.problems.append(f"the history was {self._history} and became {history}"[:600])
        self._history = history
        last = {role: version for _, _, version, role, *_ in history}
        verdict.expect("what is live", live, {role: version for role, version in last.items() if version})
        verdict.expect("MLflow's aliases", aliases, live)
        verdict.expect("the scores of whole chunks", sorted(written), sorted(counted))
        return verdict.problems


def judge(url: str, files: Mapping[int, Loaded], notes: ScoreNotes) -> Verdict:
    """When nothing runs any more and people have put right what they were told of."""
    verdict = Verdict()
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        _judge_history(cursor, verdict, notes)
        _judge_chunks(cursor, verdict, files)
        _judge_scores(cursor, verdict, files)
        _judge_profiles(cursor, verdict, files)
        _judge_coverage(cursor, verdict, files)
    return verdict


def _judge_history(cursor: Cursor, verdict: Verdict, notes: ScoreNotes) -> None:
    """Every change that people were told of once, nothing else, and each follows from those before."""
    cursor.execute(
        "SELECT request_id, version, role, action, by, why, bundle_uri, bundle_sha256"
        " FROM claimwatch.promotion ORDER BY promotion_id"
    )
    rows = cursor.fetchall()
    found = Counter(row[0] for row in rows if row[3] != "vacate")
    changed = {
        request_id
        for request_id, answers in notes.answers.items()
        if any(answer is not None and answer.changed for answer in answers)
    }
    verdict.compare("promotions", found, Counter(changed | (found.keys() & notes.given_up)))
    verdict.problems += wrong_entries([Entry(*row[:4]) for row in rows], notes.asked)
    for request_id, version, _, _, by, why, uri, sha256 in rows:
        pinned = (
            (f"s3://artifacts/models/{LINE}/{version}/", bundle(_MODELS[version])[1])
            if version
            else (None, None)
        )
        told = (f"by {request_id}", f"because of {request_id}")
        verdict.expect(f"what is kept of {request_id}", (by, why, uri, sha256), (*told, *pinned))


def _judge_chunks(cursor: Cursor, verdict: Verdict, files: Mapping[int, Loaded]) -> None:
    """What was counted of each chunk is what its claims come to."""
    cursor.execute(
        "SELECT file_id, number, model_version, role, claims, audit_sample, missing, unseen"
        " FROM claimwatch.scored_chunk"
    )
    for file_id, number, version, role, claims, audited, missing, unseen in cursor.fetchall():
        own = files[file_id].chunk(number)
        without = sum(claim.panes is None for claim in own)
        verdict.expect(
            f"counts of chunk {number} of {files[file_id].label} by {role} {version}",
            (claims, audited, missing, unseen),
            (len(own), sum(claim.audited for claim in own), {"panes": without} if without else {}, {}),
        )


def _judge_scores(cursor: Cursor, verdict: Verdict, files: Mapping[int, Loaded]) -> None:
    """Each claim of each chunk that a model has scored has one score by it, with the model's very numbers."""
    cursor.execute("SELECT file_id, number, model_version, role FROM claimwatch.scored_chunk")
    wanted = Counter(
        (file_id, version, role, claim.claim_id)
        for file_id, number, version, role in cursor.fetchall()
        for claim in files[file_id].chunk(number)
    )
    cursor.execute(SCORES)
    rows = cursor.fetchall()
    verdict.compare("scores", Counter(row[:4] for row in rows), wanted)
    claims = {(file_id, claim.claim_id): claim for file_id, file in files.items() for claim in file.claims}
    referred = Counter[Any]()
    for file_id, version, role, claim_id, probability, percentile, refers, audit, reasons, *shared in rows:
        claim, model = claims.get((file_id, claim_id)), _MODELS[version]
        if claim is None:
            continue
        what = f"the score of {claim_id} by {role} {version}"
        if abs(probability - model.probability(claim)) > CLOSE:
            verdict.problems.append(f"{what} is {probability} and must be {model.probability(claim)}")
        told = {reason["feature"] for reason in reasons or ()}
        right = (
            refers == (probability >= model.threshold),
            bool(told) == refers and told <= {"amount", "panes"},
            audit == claim.audited,
            0.0 <= percentile <= 100.0,
        )
        verdict.expect(f"referral, reasons, audit and percentile of {what}", right, (True,) * 4)
        verdict.expect(f"what is kept of {what}", tuple(shared), (model.threshold, "1.0.0", "test"))
        referred[file_id, version, role] += refers
    cursor.execute(
        "SELECT file_id, model_version, role, sum(referred)::int FROM claimwatch.scored_chunk"
        " GROUP BY 1, 2, 3"
    )
    counted = {tuple(row[:3]): row[3] for row in cursor.fetchall() if row[3]}
    verdict.expect("referrals as they are counted", counted, {key: n for key, n in referred.items() if n})


def _judge_profiles(cursor: Cursor, verdict: Verdict, files: Mapping[int, Loaded]) -> None:
    """Of each chunk that a model has scored, in whatever role, its claims of each week are profiled once."""
    cursor.execute("SELECT DISTINCT file_id, number, model_version FROM claimwatch.scored_chunk")
    wanted = Counter(
        (file_id, number, version, claim.week)
        for file_id, number, version in cursor.fetchall()
        for claim in files[file_id].chunk(number)
    )
    cursor.execute("SELECT file_id, number, model_version, week, claims FROM claimwatch.profile")
    found = Counter[Any]()
    for *key, claims in cursor.fetchall():
        found[tuple(key)] += claims
    verdict.compare("claims of profiles", found, wanted)


def _judge_coverage(cursor: Cursor, verdict: Verdict, files: Mapping[int, Loaded]) -> None:
    """After the last backfill each claim of each file has the scores of all that is live."""
    cursor.execute("SELECT version, role FROM claimwatch.live_model")
    live = cursor.fetchall()
    verdict.expect("whether a champion is live", any(role == "champion" for _, role in live), True)
    wanted = {
        (file_id, version, role, claim.claim_id)
        for file_id, file in files.items()
        for claim in file.claims
        for version, role in live
    }
    cursor.execute("SELECT file_id, model_version, role, claim_id FROM claimwatch.score")
    found = set(cursor.fetchall())
    verdict.compare("scores by what is live", Counter(found & wanted), Counter(wanted))
