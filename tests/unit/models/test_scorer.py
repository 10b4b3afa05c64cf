"""The promoted bundle scores: the same bytes give the same score, and no claim depends on another."""

import json
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.model.calibration import probability
from claimwatch.domain.model.features import encode
from claimwatch.domain.model.model import Forest, Linear, Model, contributions, margin
from claimwatch.domain.model.shapley import expected_margin
from claimwatch.scoring.bundle import (
    MANIFEST,
    SERVED,
    Bundle,
    BundleMismatch,
    Manifest,
    verified_files,
    verify,
)
from claimwatch.scoring.scorer import MARGIN, PROBABILITY, Scorer, audit_sample
from tests.unit.models.bundles import AUDITED, CALIBRATION, CAPACITY, SPEC, draw_columns, make_bundle
from tests.unit.models.forests import draw_forest, draw_rows
from training.graph import onnx_of

FILES, SHA256 = make_bundle()
AUDIT_KEY = bytes(range(32))


def claim_ids(count: int) -> np.ndarray:
    return np.array([f"C{number}" for number in range(count)], dtype=object)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(Bundle.read(FILES.__getitem__, SHA256))


def _linear() -> Linear:
    drawn = np.random.default_rng(3)
    model = Linear(
        weight=drawn.normal(size=5) * [1, 1, 0, 1, 0.1],
        center=drawn.normal(size=5),
        missing=drawn.normal(size=5),
        first=np.array([-1, -1, 0, -1, -1], dtype=np.int32),
        table=drawn.normal(size=3),
        expected=np.zeros(5),
        intercept=-1.0,
    )
    return replace(model, expected=contributions(model, encode(SPEC, draw_columns(1, 500))).mean(axis=0))


@pytest.mark.parametrize(
    "model",
    [draw_forest(6, trees=40, depth=5), draw_forest(8, trees=1, depth=2, link="identity"), _linear()],
    ids=["boosted", "averaged", "linear"],
)
def test_the_graph_gives_the_models_margin_and_its_calibrated_probability(model: Model) -> None:
    if isinstance(model, Forest) and model.link == "identity":
        model = replace(model, base=0.0, value=1 / (1 + np.exp(-model.value)) * (model.feature < 0))
    files, sha256 = make_bundle(model)
    columns = draw_columns(2, 3000)
    found = Scorer(Bundle.read(files.__getitem__, sha256)).score(columns)
    expected = margin(model, encode(SPEC, columns))
    assert np.abs(found.margin - expected).max() <= 5e-6
    assert np.abs(found.probability - probability(CALIBRATION, model.link, expected)).max() <= 1e-6


@settings(deadline=None, max_examples=20)
@given(rows=st.lists(st.integers(0, 199), min_size=1, max_size=50))
def test_a_claim_has_the_same_score_alone_and_among_any_others(rows: list[int]) -> None:
    scorer, columns = Scorer(Bundle.read(FILES.__getitem__, SHA256)), draw_columns(4, 200)
    whole = scorer.score(columns)
    some = scorer.score({name: values[rows] for name, values in columns.items()})
    assert some.probability.tobytes() == whole.probability[rows].tobytes()
    assert some.percentile.tobytes() == whole.percentile[rows].tobytes()
    assert scorer.probabilities(columns).tobytes() == whole.probability.tobytes()


@pytest.mark.parametrize("features", [5, 27, 32])
@pytest.mark.parametrize("family", ["boosted", "averaged", "linear"])
def test_not_even_a_double_depends_on_the_other_claims(family: str, features: int) -> None:
    """A served probability has 32 bits, which hide nearly every difference in the last bits of doubles."""
    model = _of_family(family, features)
    session = onnxruntime.InferenceSession(_with_doubles(onnx_of(model, CALIBRATION)))
    scorer = Scorer(Bundle.read(FILES.__getitem__, SHA256))
    scorer._run = session.run
    matrix = draw_rows(7, 8192, features) * np.float32(1.7)
    if isinstance(model, Linear):
        matrix[:, model.first >= 0] = np.nan_to_num(np.abs(matrix[:, model.first >= 0])) // 2
    probability, margin = scorer._outputs(matrix, PROBABILITY, MARGIN)
    for size in (1, 3, 7, 8, 100, 333):
        for start in range(0, 8192 - size, 613):
            rows = slice(start, start + size)
            some, odds = scorer._outputs(matrix[rows], PROBABILITY, MARGIN)
            assert some.tobytes() == probability[rows].tobytes()
            assert odds.tobytes() == margin[rows].tobytes()


def _of_family(family: str, features: int) -> Model:
    if family == "boosted":
        return draw_forest(6, trees=200, depth=3, features=features)
    if family == "averaged":
        forest = draw_forest(8, trees=90, depth=6, features=features, link="identity")
        return replace(forest, base=0.0, value=np.abs(forest.value) / 500)
    drawn = np.random.default_rng(3)
    coded = np.arange(features) % 3 == 0
    return Linear(
        weight=np.where(coded, 0.0, drawn.normal(size=features)),
        center=drawn.normal(size=features),
        missing=drawn.normal(size=features),
        first=np.where(coded, np.arange(features) * 4, -1).astype(np.int32),
        table=drawn.normal(size=4 * features),
        expected=np.zeros(features),
        intercept=-1.0,
    )


def _with_doubles(graph: bytes) -> bytes:
    """Return the graph without the rounding of its outputs to 32 bits."""
    model = onnx.load_from_string(graph)
    names = {output.name for output in model.graph.output}
    for node in model.graph.node:
        if names & set(node.output):
            node.attribute[0].i = onnx.TensorProto.DOUBLE
    for output in model.graph.output:
        output.type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    found: bytes = model.SerializeToString()
    return found


def test_referrals_match_the_review_capacity(scorer: Scorer) -> None:
    found = scorer.score(draw_columns(1, 4000))
    referred = scorer.referred(found.probability, claim_ids(4000), AUDIT_KEY)
    assert 0.9 * CAPACITY <= referred.mean() <= CAPACITY
    assert found.probability[referred].min() >= scorer.threshold
    assert found.percentile[referred].min() > 94
    assert found.percentile.min() >= 0


def test_missing_and_unseen_values_are_scored_and_counted(scorer: Scorer) -> None:
    columns = {name: values[:0] for name, values in draw_columns(1, 5).items()}
    assert len(scorer.score(columns).probability) == 0
    columns = draw_columns(1, 2) | {
        "animal": np.array(["newt", None], dtype=object),
        "amount": np.array([np.nan, 1.0]),
        "known": np.array([True, False], dtype=object),
    }
    found = scorer.score(columns)
    assert np.isfinite(found.probability).all()
    assert (found.missing, found.unseen) == ({"amount": 1, "animal": 1}, {"animal": 1})


def test_reasons_are_the_exact_contributions_of_the_requested_claims(scorer: Scorer) -> None:
    columns = draw_columns(5, 300)
    rows = np.array([250, 3, 77])
    found = scorer.reasons(columns, rows, limit=len(SPEC.features))
    model = scorer.bundle.model
    for row, told in zip(rows, found, strict=True):
        alone = scorer.reasons(
            {name: values[row : row + 1] for name, values in columns.items()}, np.array([0]), 5
        )
        assert alone == [told]
        # Reasons of less than a twentieth are left out.
        raised = sum(reason["contribution"] for reason in told)
        whole = raised / sum(reason["share"] for reason in told)
        assert whole >= scorer.score(columns).margin[row] - expected_margin(model) - 1e-3 * whole - 1e-4
        assert json.loads(json.dumps(told)) == told
    assert scorer.reasons(columns, np.array([], dtype=int)) == []


@pytest.mark.parametrize("name", [*SERVED, MANIFEST])
@pytest.mark.parametrize("place", [0, -1])
def test_a_bundle_with_another_byte_is_refused(name: str, place: int) -> None:
    changed = bytearray(FILES[name])
    changed[place] ^= 1
    with pytest.raises(BundleMismatch):
        Bundle.read((FILES | {name: bytes(changed)}).__getitem__, SHA256)


def test_verifying_a_bundle_checks_the_hash_of_every_part() -> None:
    assert verify(FILES.__getitem__, SHA256) == Manifest.from_bytes(FILES[MANIFEST])
    with pytest.raises(BundleMismatch, match=r"card\.html"):
        verify((FILES | {"card.html": b"<p>Another</p>"}).__getitem__, SHA256)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"format": 2}', b"\xff", b'{"format": 1, "line": 1}']
)
def test_a_malformed_manifest_is_rejected(content: bytes) -> None:
    with pytest.raises(BundleMismatch, match="the manifest"):
        Manifest.from_bytes(content)


@pytest.mark.parametrize(
    "name",
    [
        "/root/.ssh/authorized_keys",
        "../../../traversed/keys.txt",
        "plots/../../keys.txt",
        "..",
        "plots/",
        "a/b/c.png",
        "C:\\keys.txt",
        "keys.txt\n",
        MANIFEST,
        "",
    ],
)
def test_a_part_cannot_be_named_outside_of_the_bundle(name: str) -> None:
    manifest = json.loads(FILES[MANIFEST])
    manifest["parts"][name] = {"sha256": "0" * 64, "size": 0}
    with pytest.raises(BundleMismatch, match="name is not allowed"):
        Manifest.from_bytes(json.dumps(manifest).encode())


def test_a_file_is_read_only_after_the_manifest_has_the_pinned_hash() -> None:
    asked: list[str] = []

    def read(name: str) -> bytes:
        asked.append(name)
        return FILES[name]

    with pytest.raises(BundleMismatch, match="has the hash"):
        list(verified_files(read, "0" * 64))
    assert asked == [MANIFEST]
    assert dict(verified_files(read, SHA256)) == FILES


def test_a_manifest_without_a_serving_part_is_refused() -> None:
    import hashlib

    manifest = Manifest.from_bytes(FILES[MANIFEST])
    parts = {name: part for name, part in manifest.parts.items() if name != "explainer.npz"}
    content = replace(manifest, parts=parts).to_bytes()
    with pytest.raises(BundleMismatch, match=r"no part explainer\.npz"):
        Bundle.read((FILES | {MANIFEST: content}).__getitem__, hashlib.sha256(content).hexdigest())


def test_the_audit_slice_is_stable_and_has_the_configured_size(scorer: Scorer) -> None:
    ids = [f"MTR-{number:012X}" for number in range(50_000)]
    found = scorer.audited(ids, AUDIT_KEY)
    assert found.mean() == pytest.approx(AUDITED, rel=0.1)
    assert scorer.audited(ids[::-1], AUDIT_KEY)[::-1].tolist() == found.tolist()
    assert not audit_sample(ids[:100], 0.0, AUDIT_KEY).any()
    assert audit_sample(ids[:100], 1.0, AUDIT_KEY).all()
    # A larger share holds the smaller one, so that changing it changes no claim's place without need.
    assert audit_sample(ids, 2 * AUDITED, AUDIT_KEY)[found].all()


def test_nobody_without_the_key_can_predict_the_audit() -> None:
    ids = [f"MTR-{number:012X}" for number in range(50_000)]
    drawn = audit_sample(ids, 0.1, AUDIT_KEY)
    for guess in (bytes(32), AUDIT_KEY[::-1], b""):
        predicted = audit_sample(ids, 0.1, guess)
        assert (drawn & predicted).sum() / drawn.sum() == pytest.approx(0.1, abs=0.02)


def test_the_audit_slice_is_a_keyed_hash_below_the_share() -> None:
    """Claims that were drawn once stay drawn."""
    ids = [f"MTR-{number:012X}" for number in range(2_000)]
    numbers = [int.from_bytes(blake2b(name.encode(), key=AUDIT_KEY, digest_size=8).digest()) for name in ids]
    for share in (0.005, 0.02, 0.3, 1 / 3, numbers[7] / 2.0**64):
        assert audit_sample(ids, share, AUDIT_KEY).tolist() == [
            number < share * 2.0**64 for number in numbers
        ]
