"""The evidence of a training, from which the card, the bundle and the MLflow run are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from claimwatch.domain.model.calibration import Calibration
from claimwatch.domain.model.features import FeatureSpec
from claimwatch.domain.model.model import Model
from claimwatch.domain.model.profile import Reference
from claimwatch.domain.model.referral import ReferralRule
from training.candidates import Parameters
from training.evaluate import Evaluation, values_of
from training.gates import Gate
from training.plots import Drawing
from training.sampling import Sampling
from training.select import Choice
from training.settings import Settings
from training.warnings import TrainingWarning


@dataclass(frozen=True)
class FoldCount:
    """The claims of a split: all, those with an outcome, the frauds, and their first and last day."""

    claims: int
    known: int
    frauds: int
    first: str
    last: str


@dataclass(frozen=True)
class Family:
    """A family that was searched: its best parameters, the log-loss of each trial, its model's size."""

    name: str
    parameters: Parameters
    loss: float
    losses: Sequence[float]
    size: int

    @property
    def trials(self) -> int:
        """The number of trials."""
        return len(self.losses)


@dataclass(frozen=True)
class Evidence:
    """One model with its evidence; ``refused_because`` is None if it passed every gate.

    ``as_of`` is the day whose outcomes were read; in a back-test, somebody chose an earlier one.
    ``leaks`` are the refused columns, ``unused`` other columns with role feature that became no feature, each
    with the reason.
    """

    line: str
    version: str
    contract_version: str
    code_version: str
    data_sha256: str
    created_at: str
    as_of: str
    back_test: bool
    settings: Settings
    spec: FeatureSpec
    immature: int
    left_out: int
    folds: Sequence[FoldCount]
    leaks: Mapping[str, str]
    unused: Mapping[str, str]
    warnings: Sequence[TrainingWarning]
    sampling: Sampling
    families: Sequence[Family]
    choice: Choice
    model: Model
    graph: bytes
    calibration: Calibration
    referral: ReferralRule
    reference: Reference
    evaluation: Evaluation
    gates: Sequence[Gate]
    refused_because: str | None
    drawings: Mapping[str, Drawing]

    @property
    def family(self) -> Family:
        """The chosen family."""
        return next(family for family in self.families if family.name == self.choice.name)

    @property
    def parameters(self) -> Parameters:
        """The parameters of the chosen family."""
        return self.family.parameters

    @property
    def size(self) -> int:
        """The number of parameters of the model."""
        return self.family.size

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics on the test split, for the whole book; nan where unknown."""
        return values_of(self.evaluation.book)
