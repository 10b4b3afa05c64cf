"""A line with claims and models, without AWS. The models use one column, so every score is predictable."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from claimwatch.errors import ClaimwatchError
from claimwatch.models import approve_exception
from claimwatch.models import promote as promotion
from claimwatch.scoring import score_rows
from claimwatch.scoring.claim_table import Column
from claimwatch.storage import models
from claimwatch.storage.models import LiveModel, NewVersion, Role
from tests.integration.ingest.environment import Row, Site
from tests.integration.ingest.glass import csv
from tests.pointers import PointerFiles

LINE = "glass"
CALLER = "arn:aws:sts::123456789012:assumed-role/data-science/ann"
APPROVER = "arn:aws:sts::123456789012:assumed-role/compliance/rita"


@dataclass(frozen=True)
class AmountScores:
    """Scores of an ``AmountModel``."""

    probability: npt.NDArray[np.float64]
    percentile: npt.NDArray[np.float64]
    missing: Mapping[str, int]
    unseen: Mapping[str, int]


@dataclass(frozen=True)
class AmountModel:
    """A model whose probability is the amount divided by 5,000, or 0.5 if the amount is missing."""

    factor: float = 1.0
    threshold: float = 0.8
    kinds: Mapping[str, str] = field(default_factory=lambda: {"amount": "number", "broken_on": "hour"})

    def score(self, columns: Mapping[str, Column]) -> AmountScores:
        assert columns["broken_on"].dtype.kind == "M"
        amount = columns["amount"]
        missing = np.isnan(amount)
        probability = np.where(missing, 0.5, amount / 5000 * self.factor)
        return AmountScores(probability, probability * 100, {"amount": int(missing.sum())}, {})

    def referred(
        self,
        probability: npt.NDArray[np.float64],
        claim_ids: Column,  # noqa: ARG002
        key: bytes,  # noqa: ARG002
    ) -> npt.NDArray[np.bool_]:
        return probability >= self.threshold

    def reasons(self, columns: Mapping[str, Column], rows: Column) -> Sequence[Sequence[Mapping[str, Any]]]:
        return [[{"feature": "amount", "value": columns["amount"][row]}] for row in rows]

    def audited(self, claim_ids: Column, key: bytes) -> npt.NDArray[np.bool_]:  # noqa: ARG002
        return np.array([claim_id.endswith("7") for claim_id in claim_ids], dtype=bool)

    def profiles(
        self,
        columns: Mapping[str, Column],  # noqa: ARG002
        found: Sequence[AmountScores],  # noqa: ARG002
        event_time: Column,
    ) -> dict[date, tuple[int, bytes]]:
        days = event_time.astype("datetime64[D]").tolist()
        weeks = Counter(day - timedelta(days=day.weekday()) for day in days)
        return {monday: (claims, b"counts") for monday, claims in weeks.items()}


class CorruptBundle(ClaimwatchError):
    """The bundle differs from the promoted one."""


@dataclass
class ModelEnvironment:
    """Line glass with its models and their history; also a fake of the backfill."""

    site: Site
    models: dict[str, AmountModel] = field(default_factory=dict)
    corrupt: set[str] = field(default_factory=set)
    backfills: list[tuple[str, str, datetime | None, bool]] = field(default_factory=list)
    requests: int = 0

    # -- The fake of the backfill ----------------------------------------------------------------------------

    def start(
        self, line: str, request_id: str, *, since: datetime | None = None, only_unscored: bool = False
    ) -> str:
        """Record that a backfill was started."""
        self.backfills.append((line, request_id, since, only_unscored))
        return request_id

    # -- Actions ---------------------------------------------------------------------------------------------

    def drop(self, *amounts: float | None, name: str = "f") -> Row:
        """Load and commit a file of claims with these amounts."""
        records = [f"{name}{n},2026-02-{n % 28 + 1:02},{amount},1,," for n, amount in enumerate(amounts)]
        return self.site.drop(f"claims/glass/{name}.csv", csv(*records))

    def register(self, version: str, model: AmountModel | None = None, **other: Any) -> None:
        """Register a model, as a training does."""
        self.models[version] = model or AmountModel()
        new = NewVersion(
            line=LINE,
            version=version,
            metrics={"roc_auc": 0.9},
            data_sha256="d" * 64,
            code_version="test",
            contract_version=other.pop("contract_version", "1.0.0"),
            bundle_uri=f"s3://artifacts/models/glass/{version}/",
            bundle_sha256=version * 3,
            **other,
        )
        with self.site.database.as_task("training").transaction() as cursor:
            models.add_version(cursor, new)

    def promote(
        self, version: str, role: Role = "champion", request_id: str = "", **given: Any
    ) -> promotion.Promoted:
        """Make a model live."""
        return promotion.promote(self.promoting, self.request(request_id, **given), LINE, version, role)

    def approve(self, version: str, caller: str = APPROVER, **given: Any) -> approve_exception.Approved:
        """Approve an exception for a model that the gate for bias refused."""
        self.requests += 1
        asked = {"gate": "bias", "by": "rita", "why": "the law allows this attribute"} | given
        request = approve_exception.ExceptionRequest(LINE, version, **asked)
        return approve_exception.approve_exception(
            self.site.database.as_task("approval"),
            request,
            request.request_id or f"request {self.requests}",
            caller,
        )

    def rollback(self, request_id: str = "") -> promotion.Promoted:
        """Roll the champion back."""
        return promotion.rollback(self.promoting, self.request(request_id), LINE)

    def request(self, request_id: str = "", **given: Any) -> promotion.Request:
        """Return a request, a new one unless it has an id."""
        self.requests += 1
        who = {"by": "ann", "why": "it finds more", "caller": CALLER}
        return promotion.Request(request_id or f"request {self.requests}", **who | given)

    def score(self, file_id: int, number: int = 0) -> score_rows.Scored:
        """Score a chunk."""
        return score_rows.score_chunk(self.scoring, file_id, number)

    # -- Results ---------------------------------------------------------------------------------------------

    def live(self) -> dict[Role, str]:
        """Return the live versions by role."""
        with self.site.database.transaction() as cursor:
            return {role: model.version for role, model in models.live_models(cursor, LINE).items()}

    def scores(self) -> list[Row]:
        """Return all scores."""
        return self.site.query("SELECT * FROM claimwatch.score ORDER BY role, model_version, claim_id")

    @property
    def pointers(self) -> PointerFiles:
        """The published champions."""
        return self.site.pointers("live")

    # -- Dependencies of the use cases -----------------------------------------------------------------------

    @property
    def promoting(self) -> promotion.Dependencies:
        """The dependencies of ``promote`` and ``rollback``."""
        return promotion.Dependencies(
            self.site.database.as_task("promotion"), self._columns_of, self, self.pointers
        )

    @property
    def scoring(self) -> score_rows.Dependencies:
        """The dependencies of ``score_chunk``."""
        return score_rows.Dependencies(
            self.site.database.as_task("scoring"), self.site, self._model, "code-1"
        )

    def _columns_of(self, uri: str, sha256: str) -> set[str]:
        version = uri.rstrip("/").rsplit("/", 1)[-1]
        self._check(version, sha256)
        return set(self.models[version].kinds)

    def _model(self, chosen: LiveModel) -> AmountModel:
        self._check(chosen.version, chosen.bundle_sha256)
        return self.models[chosen.version]

    def _check(self, version: str, sha256: str) -> None:
        if version in self.corrupt or sha256 != version * 3:
            raise CorruptBundle(version)
