"""The invariants of scores and promotions: after a schedule, and at every moment of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.published import Pointer
from tests.faults.invariants import Invariants
from tests.faults.scores.environment import LINE, ScoreNotes
from tests.faults.scores.model import CLOSE, MODELS, Claim, Entry, bundle, wrong_entries
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
"""A single statement, so that it reads one snapshot."""

SCORES = """
    SELECT file_id, model_version, role, claim_id, probability, percentile, referred, audit_sample, reasons,
           threshold, contract_version, code_version
    FROM claimwatch.score
"""

_MODELS = {model.version: model for model in MODELS}


@dataclass(frozen=True)
class Loaded:
    """A loaded file: its valid claims and the first row of each chunk."""

    label: str
    claims: Sequence[Claim]
    first_rows: Sequence[int]

    def chunk(self, number: int) -> list[Claim]:
        """Return the claims of a chunk."""
        following = self.first_rows[number + 1 : number + 2]
        last = following[0] if following else float("inf")
        return [claim for claim in self.claims if self.first_rows[number] <= claim.row_number < last]


class ScoresInvariants(Invariants):
    """Compares promotions, scores and profiles with the requests and files of the schedule."""

    def __init__(
        self, cursor: Cursor, files: Mapping[int, Loaded], notes: ScoreNotes, published: Pointer | None
    ) -> None:
        super().__init__(cursor)
        self._files, self._notes, self._published = files, notes, published
        [[key]] = self.rows("SELECT key FROM claimwatch.audit_key")
        self._audit_key = bytes(key)

    def check(self) -> None:
        """Check everything when nothing runs any more and people have repaired what was reported."""
        self._check_history()
        self._check_pointer()
        self._check_chunks()
        self._check_scores()
        self._check_profiles()
        self._check_coverage()

    def _check_history(self) -> None:
        """The history records each answered change once and nothing else, and its entries are consistent."""
        rows = self.rows(
            "SELECT request_id, version, role, action, by, why, bundle_uri, bundle_sha256"
            " FROM claimwatch.promotion ORDER BY promotion_id"
        )
        found = Counter(row[0] for row in rows if row[3] != "vacate")
        changed = {
            request_id
            for request_id, answers in self._notes.answers.items()
            if any(answer is not None and answer.changed for answer in answers)
        }
        self.compare("promotions", found, Counter(changed | (found.keys() & self._notes.given_up)))
        self.problems += wrong_entries([Entry(*row[:4]) for row in rows], self._notes.requests)
        for request_id, version, _, _, by, why, uri, sha256 in rows:
            pinned = (
                (f"s3://artifacts/models/{LINE}/{version}/", bundle(_MODELS[version])[1])
                if version
                else (None, None)
            )
            wanted = (f"by {request_id}", f"because of {request_id}", *pinned)
            self.expect(f"the record of {request_id}", (by, why, uri, sha256), wanted)

    def _check_pointer(self) -> None:
        """The published champion is the live one, unless somebody gave up a request that was not answered."""
        champions = self.rows(
            "SELECT line, version, bundle_uri, bundle_sha256 FROM claimwatch.live_model"
            " WHERE role = 'champion'"
        )
        if not self._notes.given_up:
            self.expect("the published champion", [self._published], [Pointer(*row) for row in champions])

    def _check_chunks(self) -> None:
        """The counts of each chunk match its claims."""
        chunks = self.rows(
            "SELECT file_id, number, model_version, role, claims, audit_sample, missing, unseen"
            " FROM claimwatch.scored_chunk"
        )
        for file_id, number, version, role, claims, audited, missing, unseen in chunks:
            own = self._files[file_id].chunk(number)
            without = sum(claim.panes is None for claim in own)
            self.expect(
                f"counts of chunk {number} of {self._files[file_id].label} by {role} {version}",
                (claims, audited, missing, unseen),
                (
                    len(own),
                    sum(claim.is_audited(self._audit_key) for claim in own),
                    {"panes": without} if without else {},
                    {},
                ),
            )

    def _check_scores(self) -> None:
        """Each claim of a scored chunk has exactly one score by that model, with exact values."""
        chunks = self.rows("SELECT file_id, number, model_version, role FROM claimwatch.scored_chunk")
        wanted = Counter(
            (file_id, version, role, claim.claim_id)
            for file_id, number, version, role in chunks
            for claim in self._files[file_id].chunk(number)
        )
        rows = self.rows(SCORES)
        self.compare("scores", Counter(row[:4] for row in rows), wanted)
        claims = {
            (file_id, claim.claim_id): claim for file_id, file in self._files.items() for claim in file.claims
        }
        referred = Counter[Any]()
        for (
            file_id,
            version,
            role,
            claim_id,
            probability,
            percentile,
            refers,
            audit,
            reasons,
            *shared,
        ) in rows:
            claim, model = claims.get((file_id, claim_id)), _MODELS[version]
            if claim is None:
                continue
            what = f"the score of {claim_id} by {role} {version}"
            if abs(probability - model.probability(claim)) > CLOSE:
                self.problems.append(f"{what} is {probability} and must be {model.probability(claim)}")
            features = {reason["feature"] for reason in reasons or ()}
            right = (
                refers == (probability >= model.threshold),
                bool(features) == refers and features <= {"amount", "panes"},
                audit == claim.is_audited(self._audit_key),
                0.0 <= percentile <= 100.0,
            )
            self.expect(f"referral, reasons, audit and percentile of {what}", right, (True,) * 4)
            self.expect(f"the record of {what}", tuple(shared), (model.threshold, "1.0.0", "test"))
            referred[file_id, version, role] += refers
        counts = self.rows(
            "SELECT file_id, model_version, role, sum(referred)::int FROM claimwatch.scored_chunk"
            " GROUP BY 1, 2, 3 HAVING sum(referred) > 0"
        )
        self.expect("counted referrals", {row[:3]: row[3] for row in counts}, dict(+referred))

    def _check_profiles(self) -> None:
        """The claims of each chunk are profiled once by each model that has scored it, whatever its role."""
        chunks = self.rows("SELECT DISTINCT file_id, number, model_version FROM claimwatch.scored_chunk")
        wanted = Counter(
            (file_id, number, version, claim.week)
            for file_id, number, version in chunks
            for claim in self._files[file_id].chunk(number)
        )
        found = Counter[Any]()
        for *key, claims in self.rows(
            "SELECT file_id, number, model_version, week, claims FROM claimwatch.profile"
        ):
            found[tuple(key)] += claims
        self.compare("claims of profiles", found, wanted)

    def _check_coverage(self) -> None:
        """After the last backfill each claim of each file has a score by every live model."""
        live = self.rows("SELECT version, role FROM claimwatch.live_model")
        self.expect("whether a champion is live", any(role == "champion" for _, role in live), True)
        wanted = {
            (file_id, version, role, claim.claim_id)
            for file_id, file in self._files.items()
            for claim in file.claims
            for version, role in live
        }
        found = set(self.rows("SELECT file_id, model_version, role, claim_id FROM claimwatch.score"))
        self.compare("scores by live models", Counter(found & wanted), Counter(wanted))


class ScoresWatcher(Watcher):
    """Expects a history that only grows, live models that match it, and scores of whole chunks."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._history: list[Any] = []

    def look(self, cursor: Cursor) -> list[str]:
        """Compare the history with the previous look, and the parts of this moment with each other."""
        invariants = Invariants(cursor)
        [(history, live, aliases, counted, written)] = invariants.rows(LOOK)
        invariants.expect("the earlier history", history[: len(self._history)], self._history)
        self._history = history
        last = {role: version for _, _, version, role, *_ in history}
        wanted = {role: version for role, version in last.items() if version}
        invariants.expect("the live models", live, wanted)
        invariants.expect("MLflow's aliases", aliases, live)
        invariants.expect("the scores of whole chunks", sorted(written), sorted(counted))
        return invariants.problems
