"""Claims get the same results as a file and by requests, bit by bit; and only promoted bytes score."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from claimwatch.access.lines_in_force import FRESH_SECONDS
from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.model.referral import NEAR, ReferralRule
from claimwatch.errors import ClaimwatchError
from claimwatch.scoring.bundle import MANIFEST, Bundle, Manifest
from claimwatch.scoring.scorer import Scorer
from claimwatch.storage.models import NewVersion
from samples import BookConfig
from samples.delivery import deliver
from tests.cluster import Cluster
from tests.integration.api import motor_requests
from tests.integration.api.both_doors import BothDoors, Rejected, Result, Scored
from tests.integration.ingest.environment import ARTIFACTS, Site
from tests.integration.models.test_real_bundle import PETS
from tests.motor_model import MotorModel, grow
from tests.unit.models.bundles import SPEC, draw_columns, make_bundle
from tests.unit.models.forests import draw_forest

CLAIMS = 10_000
CONFIG = BookConfig(seed=5, weeks=10, claims_per_week=CLAIMS // 10)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    folder = tmp_path_factory.mktemp("book")
    return folder, [folder / sent.key for sent in deliver(CONFIG, folder) if sent.part == "claims"]


@pytest.fixture(scope="module")
def grown(book: tuple[Path, list[Path]]) -> list[MotorModel]:
    folder, files = book
    weeks = [file.stem for file in files[:4]]
    return [grow(folder, weeks, version, seed) for version, seed in (("1", 7), ("2", 8))]


@pytest.fixture
def doors(cluster: Cluster, tmp_path: Path) -> Iterator[BothDoors]:
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        yield BothDoors(Site.below(database, tmp_path), "motor")


def promote(doors: BothDoors, model: MotorModel) -> None:
    doors.promote(model.registered(ARTIFACTS), model.files)


def differences(by_file: Sequence[Result], by_requests: Sequence[Result]) -> list[int]:
    """Return the positions of claims whose results differ, except for the shapes of values in files."""
    assert len(by_file) == len(by_requests)
    return [
        position
        for position, (one, other) in enumerate(zip(by_file, by_requests, strict=True))
        if not same(one, other)
    ]


def same(in_file: Result, alone: Result) -> bool:
    if isinstance(in_file, Rejected) and isinstance(alone, Rejected):
        return len(in_file.problems) == len(alone.problems) and all(
            one[:2] == other[:2] and same_message(one[2], other[2])
            for one, other in zip(in_file.problems, alone.problems, strict=True)
        )
    if isinstance(in_file, Scored) and isinstance(alone, Scored):
        shown = alone.reasons if in_file.referred else None
        return vars_of(in_file) == {**vars_of(alone), "reasons": shown}
    return False


def same_message(in_file: str, alone: str) -> bool:
    """A file shows the shape of a value to whoever corrects it; the API shows nothing of it."""
    return in_file == alone or (
        in_file.startswith("a value like '")
        and alone.startswith("the value")
        and in_file.endswith("'" + alone.removeprefix("the value"))
    )


def vars_of(score: Scored) -> dict[str, object]:
    return {name: getattr(score, name) for name in score.__dataclass_fields__}


def described(texts: Sequence[str], by_file: Sequence[Result], by_requests: Sequence[Result]) -> str:
    wrong = differences(by_file, by_requests)
    shown = "\n\n".join(f"{texts[at]}\n{by_file[at]}\n{by_requests[at]}" for at in wrong[:5])
    return f"{len(wrong)} of {len(texts)} claims differ\n{shown}"


def test_ten_thousand_claims_have_the_same_results_by_file_and_by_request(
    doors: BothDoors, book: tuple[Path, list[Path]], grown: list[MotorModel]
) -> None:
    text = motor_requests.contract_with_open_fuels()
    doors.site.put_contract("motor", text)  # has the number of the object version that the database knows
    assert doors.site.put_contract("motor", text).version == "1.2.0"
    promote(doors, grown[0])
    texts = motor_requests.claims(parse_contract(text, "motor"), book[1], CLAIMS, seed=3)

    by_file, by_requests = doors.by_file(texts), doors.by_requests(texts)

    assert not differences(by_file, by_requests), described(texts, by_file, by_requests)
    scored = [result for result in by_file if isinstance(result, Scored)]
    rejected = [result for result in by_file if isinstance(result, Rejected)]
    assert len(scored) > CLAIMS // 2
    assert len(rejected) > CLAIMS // 10
    assert sum(score.referred for score in scored) > 100
    assert len({rule for result in rejected for _, rule, _ in result.problems}) >= 8
    for gap in ("missing", "unseen"):
        [found] = doors.site.query(
            f"SELECT sum(value::int) AS claims FROM claimwatch.scored_chunk, jsonb_each_text({gap})"
        )
        assert (found["claims"] or 0) > 100, gap
    assert len(doors.records) >= CLAIMS // 100, "each request left a record"


# -- Every type of column, and a tie at the threshold --------------------------------------------------------

ALL_TYPES = PETS + (
    "      - {name: legs, logicalType: integer, required: false,"
    " logicalTypeOptions: {minimum: 0, maximum: 8}, customProperties: [{property: role, value: ignored}]}\n"
)
VALUES = {
    "reported_at": [
        '"2026-02-01T10:30:00"',
        '"2026-02-01 10:30:00.5"',
        '"2026-02-03T00:00:00+01:00"',
        '"2026-13-01"',
    ],
    "amount": [
        "1.25",
        "-0.5",
        "1e30",
        "1e-320",
        '"3"',
        "0",
        "-0",
        "1e400",
        "true",
        "0.1000000000000000055511",
        "null",
    ],
    "known": ["true", "false", '"yes"', '"NO"', "1", "null", '"maybe"'],
    "animal": ['"cat"', '"dog"', '"fish"', '"newt"', '"CAT"', '" cat"', "7", '""', "null"],
    "bought_on": ['"2026-01-30"', '"1999-12-31"', '"2026-02-30"', '"2026-02-03T12:00:00"', "null"],
    "legs": ["4", "4.0", "4e0", '"4"', "9", "-1", "4.5", "null"],
}


def pets(number: int) -> list[str]:
    """Return claims in which every value meets every other sooner or later."""
    random = Random(1)
    return [
        json.dumps({"claim_id": f"P{place}"})[:-1]
        + "".join(
            f', "{name}": {random.choice(values[: 1 + place % len(values)])}'
            for name, values in VALUES.items()
            if name == "reported_at" or random.random() < 0.9
        )
        + "}"
        for place in range(number)
    ]


def pets_model(version: str, trees: int) -> tuple[NewVersion, dict[str, bytes]]:
    """Return a model of line pets; one with few small trees gives many claims its threshold."""
    forest = draw_forest(
        6 + int(version), trees=trees, depth=1 if trees < 9 else 5, features=len(SPEC.features)
    )
    files, sha256 = make_bundle(forest)
    bundle = Bundle.read(files.__getitem__, sha256)
    rule = ReferralRule.of_capacity(Scorer(bundle).probabilities(draw_columns(1, 4000)), 0.3)
    manifest = replace(
        bundle.manifest, version=version, threshold=rule.threshold, tie_share=rule.tie_share
    ).to_bytes()
    sha256 = hashlib.sha256(manifest).hexdigest()
    uri = f"s3://{ARTIFACTS}/models/pets/{version}/"
    new = NewVersion("pets", version, {}, "d" * 64, "c", "1.0.0", uri, sha256)
    return new, files | {MANIFEST: manifest}


@pytest.fixture
def pets_doors(cluster: Cluster, tmp_path: Path) -> Iterator[BothDoors]:
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        doors = BothDoors(Site.below(database, tmp_path), "pets")
        assert doors.site.put_contract("pets", ALL_TYPES).status == "applied"
        yield doors


@pytest.mark.parametrize("trees", [40, 2])
def test_claims_with_columns_of_every_type_have_the_same_results_and_the_same_draws(
    pets_doors: BothDoors, trees: int
) -> None:
    new, files = pets_model("1", trees)
    pets_doors.promote(new, files)
    texts = pets(2_000)

    by_file, by_requests = pets_doors.by_file(texts), pets_doors.by_requests(texts)

    assert not differences(by_file, by_requests), described(texts, by_file, by_requests)
    scored = [result for result in by_file if isinstance(result, Scored)]
    assert 200 < len(scored) < 1_900
    manifest = Manifest.from_bytes(files[MANIFEST])
    tied = [score for score in scored if abs(score.probability - manifest.threshold) < NEAR]
    assert (manifest.tie_share < 1.0) == (trees == 2)
    if trees == 2:
        assert {score.referred for score in tied} == {True, False}, "a tie is drawn, not cut"


def test_a_claim_has_the_same_result_alone_and_among_others(pets_doors: BothDoors) -> None:
    pets_doors.promote(*pets_model("1", 40))
    texts = pets(100)

    together = list(pets_doors.request(texts))
    alone = [next(pets_doors.request([text])) for text in texts]
    sevens = [each for at in range(0, 100, 7) for each in pets_doors.request(texts[at : at + 7])]

    assert together == alone == sevens


# -- Only promoted bytes score -------------------------------------------------------------------------------


def models_of(doors: BothDoors) -> set[str]:
    return {each.model_version for each in doors.request(pets(20)) if isinstance(each, Scored)}


def test_a_promotion_and_a_rollback_show_as_soon_as_what_was_read_is_thirty_seconds_old(
    pets_doors: BothDoors,
) -> None:
    first, second = pets_model("1", 40), pets_model("2", 40)
    pets_doors.promote(*first)
    assert models_of(pets_doors) == {"1"}

    pets_doors.promote(*second)
    pets_doors.clock.now += FRESH_SECONDS
    assert models_of(pets_doors) == {"2"}

    pets_doors.rollback()
    pets_doors.clock.now += FRESH_SECONDS
    assert models_of(pets_doors) == {"1"}
    assert FRESH_SECONDS <= 30.0


@pytest.mark.parametrize("part", ["model.onnx", "explainer.npz", "features.json", "profiles.json", MANIFEST])
def test_a_bundle_with_one_changed_bit_scores_nothing(pets_doors: BothDoors, part: str) -> None:
    new, files = pets_model("1", 40)
    pets_doors.promote(new, files)
    content = bytearray(files[part])
    content[len(content) // 2] ^= 1
    stored = pets_doors.site.objects.path(ObjectRef(ARTIFACTS, f"models/pets/1/{part}", "1"))
    stored.write_bytes(content)

    with pytest.raises(ClaimwatchError):
        list(pets_doors.request(pets(20)))

    assert all(json.loads(json.dumps(record))["outcome"] == "refused" for record in pets_doors.records)
    stored.write_bytes(files[part])
    assert models_of(pets_doors) == {"1"}, "the refusal is not remembered"


def test_a_contract_with_one_changed_bit_validates_nothing(pets_doors: BothDoors) -> None:
    pets_doors.promote(*pets_model("1", 40))
    pointer = pets_doors.site.pointers("contracts").read("pets")
    assert pointer is not None
    key = pointer.uri.removeprefix(f"s3://{ARTIFACTS}/")
    stored = pets_doors.site.objects.path(ObjectRef(ARTIFACTS, key, "1"))
    stored.write_bytes(
        stored.read_bytes().replace(b'"maximum":{"decimal":"8"}', b'"maximum":{"decimal":"9"}')
    )

    with pytest.raises(ClaimwatchError):
        list(pets_doors.request(pets(20)))
