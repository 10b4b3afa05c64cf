"""The bundle: a folder with everything that serves a model, its evidence, and the hash of each part."""

import hashlib
import json
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Any

from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.model.model import to_bytes
from claimwatch.scoring.bundle import EXPLAINER, FEATURES, GRAPH, MANIFEST, PROFILES, Manifest, Part
from training.card.page import as_html, as_markdown
from training.evaluate import Findings, metrics_of, values_of
from training.evidence import Evidence
from training.plots import as_png, as_svg


def publish(found: Evidence, folder: Path) -> str:
    """Write a bundle, and return the SHA-256 of its manifest, by which it is pinned."""
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
        threshold=found.referral.threshold,
        tie_share=found.referral.tie_share,
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
                "value_at_capacity": asdict(found.choice.values[family.name].interval),
                "roc_auc": asdict(found.choice.areas[family.name].interval),
                "roc_auc_below_the_best": asdict(found.choice.behind[family.name].interval),
                "parameters": dict(family.parameters),
            }
            for family in found.families
        ],
        "splits": [asdict(count) for count in found.folds],
        "as_of": found.as_of,
        "back_test": found.back_test,
        "immature": found.immature,
        "left_out": found.left_out,
        "refused_columns": dict(found.leaks),
        "unused_columns": dict(found.unused),
        "warnings": [asdict(warning) for warning in found.warnings],
        "settings": asdict(found.settings),
        "intervals": _intervals(found.evaluation.book),
        "audited": _intervals(found.evaluation.audited),
        "investigated": values_of(found.evaluation.investigated),
        "excesses": [
            {"metric": metric, "feature": feature, "segment": segment, **asdict(excess)}
            for (metric, feature, segment), excess in found.evaluation.excesses.items()
        ],
        "lift_by_decile": [_interval(finding) for finding in found.evaluation.lift],
        "gates": [asdict(gate) for gate in found.gates],
        "bands": {name: bands.to_json() for name, bands in found.evaluation.fairness.bands.items()},
        "proxies": [asdict(proxy) for proxy in found.evaluation.fairness.proxies],
        "failed_gates": [gate.name for gate in found.gates if not gate.passed],
        "refused_because": found.refused_because,
    }


def _intervals(found: Findings) -> dict[str, Any]:
    return {name: _interval(finding) for name, finding in metrics_of(found).items()}


def _interval(finding: Finding) -> dict[str, float | None]:
    return {"value": finding.value, "low": finding.low, "high": finding.high}


def plain(value: Any) -> Any:
    """Return a value as JSON has it: nan becomes null, because JSON has no nan."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return None if isnan(value) else value
    return value


def result(found: Evidence, bundle_sha256: str) -> str:
    """Return what a run prints at its end: one line of JSON."""
    return json.dumps(
        {
            "line": found.line,
            "version": found.version,
            "status": "refused" if found.refused_because else "registered",
            "refused_because": found.refused_because,
            "warnings": [asdict(warning) for warning in found.warnings],
            "metrics": plain(found.metrics),
            "threshold": found.referral.threshold,
            "data_sha256": found.data_sha256,
            "code_version": found.code_version,
            "contract_version": found.contract_version,
            "bundle_sha256": bundle_sha256,
        },
        ensure_ascii=False,
    )
