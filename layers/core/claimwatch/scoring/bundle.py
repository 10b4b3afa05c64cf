"""Bundles: a model and everything that serving needs, verified against the hash pinned at its promotion."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Self

from claimwatch.domain.model.bands import Bands
from claimwatch.domain.model.features import FeatureSpec
from claimwatch.domain.model.model import Model, from_bytes
from claimwatch.domain.model.profile import Reference
from claimwatch.errors import ClaimwatchError

FORMAT = 1
MANIFEST = "manifest.json"
GRAPH, EXPLAINER, FEATURES, PROFILES = "model.onnx", "explainer.npz", "features.json", "profiles.json"
SERVED = (GRAPH, EXPLAINER, FEATURES, PROFILES)
"""The parts that scoring reads. Cards and plots, which people read, are hashed as well."""
PART_NAME = re.compile(r"[a-z_]+(/[a-z_]+)?\.[a-z]+")
"""A part is written to a file with its name: at most one folder deep, and never outside of the bundle."""


class BundleMismatch(ClaimwatchError):
    """A bundle whose bytes differ from the promoted ones; it is not used for scoring."""


@dataclass(frozen=True)
class Part:
    """A file of a bundle; its size is in bytes."""

    sha256: str
    size: int

    @classmethod
    def of(cls, content: bytes) -> Self:
        return cls(hashlib.sha256(content).hexdigest(), len(content))


@dataclass(frozen=True)
class Manifest:
    """Description of a bundle with the hash of each part; the manifest's own hash identifies the bundle.

    ``capacity`` and ``audit_share`` are shares of the claims. A claim whose probability is at least
    ``threshold`` is referred; with a ``tie_share`` below 1, only this share of the claims at the threshold
    (``domain.model.referral``). ``calibration`` has ``slope`` and ``offset``.
    """

    line: str
    version: str
    contract_version: str
    code_version: str
    data_sha256: str
    seed: int
    created_at: str
    capacity: float
    threshold: float
    audit_share: float
    calibration: Mapping[str, float]
    metrics: Mapping[str, Any]
    parts: Mapping[str, Part]
    details: Mapping[str, Any] = field(default_factory=dict)
    """Further results of the training. Scoring does not read them; weekly checks read some."""
    tie_share: float = 1.0

    def __post_init__(self) -> None:
        """Refuse names that are not the name of a part, such as an absolute path."""
        if any(not PART_NAME.fullmatch(name) or name == MANIFEST for name in self.parts):
            raise BundleMismatch(
                "the manifest has a part whose name is not allowed:"
                " a name has lower-case letters, an ending and at most one folder"
            )

    @property
    def bands(self) -> dict[str, Bands]:
        """The bands of protected numbers and dates, by attribute; a model of an earlier version has none."""
        return {name: Bands.from_json(read) for name, read in self.details.get("bands", {}).items()}

    @property
    def served_sha256(self) -> str:
        """The hash of all that changes a score, a percentile, a reason, a referral or a draw.

        Models with the same one are served alike, whatever their versions, cards and times are.
        """
        served = {
            "parts": {name: self.parts[name].sha256 for name in SERVED if name in self.parts},
            "threshold": self.threshold,
            "tie_share": self.tie_share,
            "audit_share": self.audit_share,
        }
        return hashlib.sha256(json.dumps(served, sort_keys=True).encode()).hexdigest()

    def to_bytes(self) -> bytes:
        """Return the content of the manifest's file."""
        written = {"format": FORMAT} | asdict(self)
        if self.tie_share == 1.0:  # as in bundles that were written before ties were divided
            del written["tie_share"]
        return (json.dumps(written, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what ``to_bytes`` wrote; raises ``BundleMismatch`` for an unknown format."""
        try:
            read = json.loads(content)
            if read.pop("format") != FORMAT:
                raise ValueError("another format")
            read["parts"] = {name: Part(**part) for name, part in read["parts"].items()}
            return cls(**read)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleMismatch(f"the manifest does not have format {FORMAT}: {error}") from error


@dataclass(frozen=True)
class Bundle:
    """A model whose bytes were read and verified."""

    manifest: Manifest
    sha256: str
    graph: bytes = field(repr=False)
    explainer: bytes = field(repr=False)
    spec: FeatureSpec = field(repr=False)
    reference: Reference = field(repr=False)

    @classmethod
    def read(cls, read: Callable[[str], bytes], expected_sha256: str) -> Self:
        """Read the parts that serving needs; ``read`` returns a file of the bundle by its name.

        Raises ``BundleMismatch`` if the manifest does not have the expected hash, or a part does not have
        the hash in the manifest.
        """
        _, manifest = _manifest(read, expected_sha256)
        graph, explainer, features, profiles = (_part(manifest, read, name) for name in SERVED)
        spec, reference = FeatureSpec.from_json(features), Reference.from_json(profiles)
        return cls(manifest, expected_sha256, graph, explainer, spec, reference)

    @cached_property
    def model(self) -> Model:
        """The model that explains the scores, decoded on first use."""
        return from_bytes(self.explainer)


def verify(read: Callable[[str], bytes], expected_sha256: str) -> Manifest:
    """Verify the hash of every part, including cards and plots; raises ``BundleMismatch``."""
    manifest = Bundle.read(read, expected_sha256).manifest
    for name in manifest.parts.keys() - set(SERVED):
        _part(manifest, read, name)
    return manifest


def verified_files(read: Callable[[str], bytes], expected_sha256: str) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of every file of a bundle, each after its hash is verified.

    The manifest comes first, and no part is read before its hash is verified. Raises ``BundleMismatch``.
    """
    content, manifest = _manifest(read, expected_sha256)
    yield MANIFEST, content
    for name in manifest.parts:
        yield name, _part(manifest, read, name)


def _manifest(read: Callable[[str], bytes], expected_sha256: str) -> tuple[bytes, Manifest]:
    content = read(MANIFEST)
    found = hashlib.sha256(content).hexdigest()
    if found != expected_sha256:
        raise BundleMismatch(f"{MANIFEST} has the hash {found}, not {expected_sha256}")
    return content, Manifest.from_bytes(content)


def _part(manifest: Manifest, read: Callable[[str], bytes], name: str) -> bytes:
    expected = manifest.parts.get(name)
    if expected is None:
        raise BundleMismatch(f"the bundle has no part {name}")
    content = read(name)
    if Part.of(content) != expected:
        raise BundleMismatch(f"{name} of model {manifest.version} does not have the hash in its manifest")
    return content
