"""The claims that the model was trained and judged on, and the columns that were refused."""

from training.card.section import Section, Table
from training.evidence import Evidence
from training.splits import NAMES


def data(found: Evidence) -> Section:
    """Return the section about the claims of each split and the refused columns."""
    settings = found.settings
    rows = [
        (name, f"{count.claims:,}", f"{count.known:,}", f"{count.frauds:,}", count.first, count.last)
        for name, count in zip(NAMES, found.folds, strict=True)
    ]
    back_test = (
        f"This is a back-test: nothing after {found.as_of} was known, and the model was not compared with"
        " today's champion. So whoever promotes it has to name the day.\n"
        if found.back_test
        else ""
    )
    tables = [Table(("Split", "Claims", "With outcome", "Frauds", "From", "To"), rows)]
    leaks = "No column was found to leak the outcome, or to be a part of the calendar that came round once."
    if found.leaks:
        leaks = (
            "Columns that leak the outcome, and parts of the calendar that did not come round twice, were"
            " refused before training."
        )
        tables.append(Table(("Refused column", "Reason"), list(found.leaks.items()), numeric=2))
    if settings.trusted:
        leaks += f" Trusted despite the search for leaks: {', '.join(settings.trusted)}."
    claimants = (
        "The contract names no claimant column, so one person's claims can be in two splits."
        if settings.claimant_column is None
        else f"No claimant has outcomes in two splits: {found.left_out:,} later claims were left out."
    )
    return Section(
        "Data and splits",
        f"{back_test}Claims that were at least {settings.maturity_days} days old on {found.as_of}, so that"
        f" their outcomes were due; {found.immature:,} younger claims were left out, decided or not."
        f" Splits are by event time. {claimants}\n{leaks}",
        tables,
    )
