"""Values of a contract that look like others and never match them."""

from collections.abc import Iterator

from claimwatch.domain.contract.contract import Contract
from claimwatch.invisible import without_invisible

_JOINERS = str.maketrans("", "", "\u200c\u200d")
"""Zero-width joiners and non-joiners: Persian and Indic languages need them in words."""


def unseen_problems(contract: Contract) -> Iterator[str]:
    """Yield a problem for each value of validValues with an invisible character or a letter in two parts.

    Such a value is copied from a web page or a document, and no file has it. Contracts that are in force may
    have some, so only contracts that are submitted are examined.
    """
    for column in contract.columns:
        for value in column.valid_values or ():
            written = value.translate(_JOINERS)
            if written != without_invisible(written):
                yield (
                    f"column '{column.name}': '{value}' in validValues has an invisible character, or a "
                    "letter in two parts (not NFC), so that no file has this value; type it again"
                )
