"""The claims that the model was trained and judged on, and the columns that were refused or not used."""

from training.card.section import Section, Table
from training.evidence import Evidence
from training.splits import NAMES

GAIN_OF_ALL = 0.04
"""What a model brings more that also learns from the validation and test split (benchmarks/selection.py)."""


def data(found: Evidence) -> Section:
    """Return the section about the claims of each split, and the columns that are no features."""
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
    if found.unused:
        leaks += " Other columns have role feature in the contract, and became no feature."
        tables.append(Table(("Column not used", "Reason"), list(found.unused.items()), numeric=2))
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
        f" Splits are by event time. {claimants}\n{_not_learnt_from(found)}\n{leaks}",
        tables,
    )


def _not_learnt_from(found: Evidence) -> str:
    """Return the sentences about the outcomes that the model was judged by and did not learn from."""
    train, validation, test = found.folds
    later = validation.known + test.known
    return (
        f"The model learnt from outcomes of claims up to {train.last}. Those from {validation.first} to"
        f" {test.last}, {later / (train.known + later):.0%} of all outcomes, chose, calibrated and tested it."
        " That keeps the figures of this card honest, and has a price: in simulation, a model that also"
        f" learns from the latest outcomes brings {GAIN_OF_ALL:.0%} more value. So train again when there are"
        " many new outcomes."
    )
