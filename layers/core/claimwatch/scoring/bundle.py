"""Bundles: a model and everything that serving needs, verified against the hash pinned at its promotion."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Self

from claimwatch.domain.model.features import FeatureSpec
from claimwatch.domain.model.model import Model, from_bytes
from claimwatch.domain.model.profile import Reference
from claimwatch.errors import ClaimwatchError

FORMAT = 1
MANIFEST = "manifest.json"
GRAPH, EXPLAINER, FEATURES, PROFILES = "model.onnx", "explainer.npz", "features.json", "profiles.json"
SERVED = (GRAPH, EXPLAINER, FEATURES, PROFILES)
"""The parts that scoring reads. Cards and plots, which people read, are hashed as well."""


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
    ``threshold`` is referred. ``calibration`` has ``slope`` and ``offset``.
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
    """Further results of the training; serving does not read them."""

    def to_bytes(self) -> bytes:
        """Return the content of the manifest's file."""
        written = {"format": FORMAT} | asdict(self)
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
        content = read(MANIFEST)
        found = hashlib.sha256(content).hexdigest()
        if found != expected_sha256:
            raise BundleMismatch(f"{MANIFEST} has the hash {found}, not {expected_sha256}")
        manifest = Manifest.from_bytes(content)
        graph, explainer, features, profiles = (_part(manifest, read, name) for name in SERVED)
        spec, reference = FeatureSpec.from_json(features), Reference.from_json(profiles)
        return cls(manifest, found, graph, explainer, spec, reference)

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


def _part(manifest: Manifest, read: Callable[[str], bytes], name: str) -> bytes:
    expected = manifest.parts.get(name)
    if expected is None:
        raise BundleMismatch(f"the bundle has no part {name}")
    content = read(name)
    if Part.of(content) != expected:
        raise BundleMismatch(f"{name} of model {manifest.version} does not have the hash in its manifest")
    return content
