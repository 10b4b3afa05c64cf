"""A weekly drift check in a separate process, as the function runs it; its memory is measured.

python -m benchmarks.drift_check URL REFERENCE ROUNDS MODEL [MODEL ...]

For each model version, the week's profiles are read from PostgreSQL, added up and tested. The output is JSON
with the seconds of each round by model and the peak memory. Only modules that the function uses are imported.
"""

import json
import sys
import time
from contextlib import closing
from datetime import date
from pathlib import Path

from benchmarks.worker import peak_memory
from claimwatch.domain.evaluation.drift import feature_drift, flagged, score_drift
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.model.profile import Reference
from claimwatch.domain.model.profile_codec import unpack
from claimwatch.storage.connection import Database
from claimwatch.storage.profiles import packed_of_week

LINE, WEEK, BEFORE = "motor", date(2026, 7, 20), date(2026, 7, 13)


def check(database: Database, reference: Reference, model: str) -> list[Finding]:
    """Check a week for drift of features and score; like the real check, this also reads the week before."""
    with database.transaction() as cursor:
        before, score_before = unpack(reference, packed_of_week(cursor, LINE, model, BEFORE))
        features, score = unpack(reference, packed_of_week(cursor, LINE, model, WEEK))
    flagged_features = flagged(feature_drift(reference.features, before, ()))
    score_flagged = bool(flagged(score_drift(reference.score, score_before, False)))
    return [
        *feature_drift(reference.features, features, flagged_features),
        *score_drift(reference.score, score, score_flagged),
    ]


def main(url: str, path: Path, rounds: int, models: list[str]) -> None:
    """Time the checks of the models in turn; the first round is not counted."""
    reference = Reference.from_json(path.read_bytes())
    seconds: dict[str, list[float]] = {model: [] for model in models}
    with closing(Database({"dsn": url})) as database:
        for number in range(rounds + 1):
            for model in models:
                begun = time.perf_counter()
                findings = check(database, reference, model)
                if number:
                    seconds[model].append(time.perf_counter() - begun)
                assert {found.verdict for found in findings} == {"ok"}, findings
    print(json.dumps({"seconds": seconds, "peak": peak_memory()}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
