"""Loading of a stranger's file by its own draft."""

from dataclasses import dataclass, field

from benchmarks.field.drafts import GeneratedDraft
from tests.integration.ingest.environment import Site


@dataclass
class DraftTally:
    """Counts of drafts; ``problems`` are wrong statements of drafts, rows not loaded, and wrong values."""

    drafts: int = 0
    loading: int = 0
    problems: list[str] = field(default_factory=list)


def load_by_draft(site: Site, line: str, generated: GeneratedDraft, tally: DraftTally) -> None:
    """Drop a file for a line without a contract, confirm its draft, and compare every value."""
    parked = site.drop(f"claims/{line}/{generated.name}", generated.content)
    draft = site.draft(line)
    found = generated.problems(draft)
    applied = site.confirm(line, draft)
    file = site.file(parked["file_id"])
    if applied.status != "applied":
        found.append(f"its draft is {applied.status}: {', '.join(applied.notes)}")
    elif file["rows_loaded"] != generated.rows:
        found.append(
            f"{file['rows_loaded']} of {generated.rows} rows loaded: {site.quarantine(file['file_id'])}"
        )
    else:
        tally.loading += 1
        rows = site.query(f"SELECT * FROM claimwatch.claim_{line} ORDER BY row_number")
        found += generated.differences(draft, rows)
    tally.drafts += 1
    tally.problems += [f"{line}: {problem}" for problem in found]
