"""The bundle: a folder with all that serves a model and all that speaks for it, and the hash of each part."""

import hashlib
import json
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Any

from claimwatch.domain.model.model import to_bytes
from claimwatch.scoring.bundle import EXPLAINER, FEATURES, GRAPH, MANIFEST, PROFILES, Manifest, Part
from training.card import as_html, as_markdown
from training.evidence import Evidence
from training.plots import as_png, as_svg


def publish(found: Evidence, folder: Path) -> str:
    """Write a bundle; returns the SHA-256 of its manifest, by which it is pinned."""
    parts = _parts(found)
    manifest = Manifest(
        line=found.line,
        version=found.version,
        contract_version=found.contract_version,
        code_version=found.code_version,
        data_sha256=found.data_sha256,
        seed=found.settings.seed,
        created_at=found.created_at,
        capacity=found.settings.capacity,
        threshold=found.threshold,
        audit_share=found.settings.audit_share,
        calibration=asdict(found.calibration),
        metrics=plain(found.metrics),
        parts={name: Part.of(content) for name, content in parts.items()},
        details=plain(_details(found)),
    ).to_bytes()
    for name, content in (parts | {MANIFEST: manifest}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return hashlib.sha256(manifest).hexdigest()


def _parts(found: Evidence) -> dict[str, bytes]:
    svg = {name: as_svg(drawing) for name, drawing in found.drawings.items()}
    return {
        GRAPH: found.graph,
        EXPLAINER: to_bytes(found.model),
        FEATURES: found.spec.to_json().encode(),
        PROFILES: found.reference.to_json().encode(),
        "card.html": as_html(found, svg).encode(),
        "card.md": as_markdown(found, lambda name: f"plots/{name}.png").encode(),
        **{f"plots/{name}.png": as_png(drawing) for name, drawing in found.drawings.items()},
    }


def _details(found: Evidence) -> dict[str, Any]:
    return {
        "family": found.choice.name,
        "why": found.choice.why,
        "parameters": dict(found.parameters),
        "families": [
            {
                "name": family.name,
                "loss": family.loss,
                "trials": family.trials,
                "size": family.size,
                "value_at_capacity": asdict(found.choice.values[family.name]),
                "parameters": dict(family.parameters),
            }
            for family in found.families
        ],
        "splits": [asdict(count) for count in found.folds],
        "as_of": found.as_of,
        "immature": found.immature,
        "left_out": found.left_out,
        "refused_columns": dict(found.leaks),
        "settings": asdict(found.settings),
        "intervals": {name: asdict(entry) for name, entry in found.evaluation.book.items()},
        "audited": {name: asdict(entry) for name, entry in (found.evaluation.audited or {}).items()},
        "investigated": dict(found.evaluation.investigated),
        "lift_by_decile": [asdict(entry) for entry in found.evaluation.lift],
        "gates": [asdict(gate) for gate in found.gates],
        "refused_because": found.refused_because,
    }


def plain(value: Any) -> Any:
    """Values as JSON has them: what is not known is null, for JSON knows no nan."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return None if isnan(value) else value
    return value


def result(found: Evidence, bundle_sha256: str) -> str:
    """What a run prints at its end: one line of JSON."""
    return json.dumps(
        {
            "line": found.line,
            "version": found.version,
            "status": "refused" if found.refused_because else "registered",
            "refused_because": found.refused_because,
            "metrics": plain(found.metrics),
            "threshold": found.threshold,
            "data_sha256": found.data_sha256,
            "code_version": found.code_version,
            "contract_version": found.contract_version,
            "bundle_sha256": bundle_sha256,
        },
        ensure_ascii=False,
    )
