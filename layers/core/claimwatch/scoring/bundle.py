"""Bundles: a model with all that serves it, held to the hash that was pinned when it was promoted."""

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
"""The parts that scoring reads; cards and plots are for people and are hashed as well."""


class BundleMismatch(ClaimwatchError):
    """A bundle's bytes are not those that were promoted; nothing is scored by it."""


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
    """What a bundle is, and the hash of each of its parts; its own hash is the bundle's.

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
    """What else training has to say; serving does not read it."""

    def to_bytes(self) -> bytes:
        """The manifest's file."""
        written = {"format": FORMAT} | asdict(self)
        return (json.dumps(written, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what ``to_bytes`` wrote; raises ``BundleMismatch`` for a format that is not known."""
        try:
            read = json.loads(content)
            if read.pop("format") != FORMAT:
                raise ValueError("another format")
            read["parts"] = {name: Part(**part) for name, part in read["parts"].items()}
            return cls(**read)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleMismatch(f"this is no manifest of format {FORMAT}: {error}") from error


@dataclass(frozen=True)
class Bundle:
    """A model that was read and found to be the one that is asked for."""

    manifest: Manifest
    sha256: str
    graph: bytes = field(repr=False)
    explainer: bytes = field(repr=False)
    spec: FeatureSpec = field(repr=False)
    reference: Reference = field(repr=False)

    @classmethod
    def read(cls, read: Callable[[str], bytes], expected_sha256: str) -> Self:
        """Read the parts that serve; ``read`` gives a file of the bundle by its name.

        Raises ``BundleMismatch`` where the manifest's hash is not the expected one, or a part's not the
        manifest's.
        """
        content = read(MANIFEST)
        found = hashlib.sha256(content).hexdigest()
        if found != expected_sha256:
            raise BundleMismatch(f"{MANIFEST} has the hash {found} and not {expected_sha256}")
        manifest = Manifest.from_bytes(content)
        graph, explainer, features, profiles = (_part(manifest, read, name) for name in SERVED)
        spec, reference = FeatureSpec.from_json(features), Reference.from_json(profiles)
        return cls(manifest, found, graph, explainer, spec, reference)

    @cached_property
    def model(self) -> Model:
        """What explains the scores; read when the first reason is asked for."""
        return from_bytes(self.explainer)


def verify(read: Callable[[str], bytes], expected_sha256: str) -> Manifest:
    """Hold every part of a bundle to its hash, those for people too; raises ``BundleMismatch``."""
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
        raise BundleMismatch(f"{name} of model {manifest.version} is not what its manifest says")
    return content
