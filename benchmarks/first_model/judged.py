"""What a verdict missed, and what it said without cause."""

from benchmarks.first_model.book import Book, Trap
from benchmarks.first_model.walk import Verdict

CALIBRATION = "observed_to_expected"
_CAUSED_BY_DRIFT = {"feature_drift", "score_drift", "data_quality", "performance", "errors"}


def is_named(trap: Trap, verdict: Verdict) -> bool:
    """Return whether the product named a trap: each of its columns, at the place where people look."""
    match trap.kind:
        case "calendar":
            return trap.columns <= verdict.refused_columns.keys()
        case "leak":
            return trap.columns <= verdict.refused_columns.keys() | verdict.warned
        case "proxy":
            return trap.columns <= {each["column"] for each in verdict.warnings if each["kind"] == "proxy"}
        case "group":
            return any(all(column in text for column in trap.columns) for text in verdict.refusals)
        case "rate":
            return any(metric == CALIBRATION for _, metric, _ in _alarms(verdict))
        case "drift":
            drifted = {feature for check, _, feature in _alarms(verdict) if check == "feature_drift"}
            return trap.columns <= drifted
        case kind:
            raise ValueError(f"unknown kind of trap: {kind}")


def false_warnings(book: Book, verdict: Verdict) -> list[str]:
    """Return the refused columns, warnings and refusals of trainings that nothing in the book explains."""
    kinds, suspect = _kinds(book), _suspect(book)
    found = [f"refused column {name}" for name in verdict.refused_columns if name not in suspect]
    found += [
        f"{each['kind']} {each['column']}" for each in verdict.warnings if each["column"] not in suspect
    ]
    return found + [f"refused: {text}" for text in verdict.refusals if not kinds & {"group", "proxy"}]


def false_alarms(book: Book, verdict: Verdict) -> dict[str, list[str]]:
    """Return the alarms that nothing in the book explains, by the weeks that have any."""
    kinds, suspect = _kinds(book), _suspect(book)
    found = {
        week: [" ".join(alarm) for alarm in alarms if not _is_explained(alarm, kinds, suspect)]
        for week, alarms in verdict.alarms.items()
    }
    return {week: alarms for week, alarms in found.items() if alarms}


def _kinds(book: Book) -> set[str]:
    return {trap.kind for trap in book.recipe.traps}


def _suspect(book: Book) -> set[str]:
    return {column for trap in book.recipe.traps for column in trap.columns} | book.recipe.harmless


def _alarms(verdict: Verdict) -> set[tuple[str, str, str]]:
    return {alarm for alarms in verdict.alarms.values() for alarm in alarms}


def _is_explained(alarm: tuple[str, str, str], kinds: set[str], suspect: set[str]) -> bool:
    check, _, feature = alarm
    if "drift" in kinds and check in _CAUSED_BY_DRIFT:
        return not feature or feature in suspect
    return "rate" in kinds and check in ("performance", "errors")
