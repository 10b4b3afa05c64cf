"""What the API lists of a line: its models, trainings and submitted contracts, as the steps need them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from release.errors import ReleaseRefused


class StackUnavailable(ReleaseRefused):
    """The API did not answer in time, although requests were repeated for minutes."""


@dataclass(frozen=True)
class Model:
    """A model; ``roles`` are those in which it is live, ``uri`` is the folder of its bundle."""

    version: str
    status: str
    uri: str | None
    metrics: Mapping[str, float | None]
    warnings: Sequence[Mapping[str, str]]
    roles: frozenset[str]


@dataclass(frozen=True)
class Training:
    """A training; ``error`` says why it was refused or failed."""

    training_id: str
    version: str
    status: str
    error: str | None

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.status not in ("starting", "running")


@dataclass(frozen=True)
class Contract:
    """A submitted contract, by the version of its object; ``status`` says what became of it."""

    object_version: str
    status: str
    sha256: str
    error: str | None


@dataclass(frozen=True)
class LineModels:
    """The models, trainings and contracts of a line, the newest of each first."""

    line: str
    models: tuple[Model, ...] = ()
    trainings: tuple[Training, ...] = ()
    contracts: tuple[Contract, ...] = ()

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Parse an answer of ``GET /v1/lines/{line}/models``; an older stack is refused."""
        try:
            return cls(
                document["line"],
                tuple(
                    Model(
                        model["version"],
                        model["status"],
                        model["uri"],
                        model["metrics"],
                        model["warnings"],
                        frozenset(role["role"] for role in model["roles"]),
                    )
                    for model in document["models"]
                ),
                tuple(_chosen(Training, each) for each in document["trainings"]),
                tuple(_chosen(Contract, each) for each in document["contracts"]),
            )
        except KeyError as missing:
            raise ReleaseRefused(
                f"the API of the stack does not answer {missing}: the stack is of an older version, deploy"
                " this one"
            ) from None

    def training(self, training_id: str) -> Training | None:
        """Return a training by its id; None if it is not among the newest."""
        return next((each for each in self.trainings if each.training_id == training_id), None)

    def model(self, version: str) -> Model | None:
        """Return a model by its version."""
        return next((each for each in self.models if each.version == version), None)

    @property
    def champion(self) -> Model | None:
        """The live model."""
        return next((each for each in self.models if "champion" in each.roles), None)

    @property
    def running(self) -> Training | None:
        """The training that has not ended."""
        return next((each for each in self.trainings if not each.ended), None)


class LineApi(Protocol):
    """The part of the API that trainings and promotions need."""

    def models(self, line: str) -> LineModels:
        """Return what is listed of a line; raises ``ReleaseRefused``."""

    def post(self, line: str, collection: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Add to a collection of a line; raises ``ReleaseRefused`` with the sentence of a refusal."""


def _chosen[T](kind: type[T], values: Mapping[str, Any]) -> T:
    """Return an instance of the fields that the class has; the API may answer more."""
    names: Mapping[str, Any] = kind.__dict__["__dataclass_fields__"]
    return kind(**{name: values[name] for name in names})
