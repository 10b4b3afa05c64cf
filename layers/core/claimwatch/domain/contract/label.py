"""The label of a contract: the column that says whether a claim was fraud, and when that was decided.

When a file of claims is committed, its labels become outcomes. The label and the time of the decision are not
known when a claim arrives, so no model may read them.
"""

from collections.abc import Iterator, Sequence

from claimwatch.domain.contract.contract import DATED, Column, Contract, LogicalType, Role

_UNREAD = (Role.IGNORED, Role.EVENT_TIME)
"""Roles of columns that no model, no bias check and no reader of texts looks at."""


def decision_problems(columns: Sequence[Column], name: str | None, place: str) -> Iterator[str]:
    """Yield why the column that ``decisionColumn`` names cannot be the time of the decisions."""
    if name is None:
        return
    column = next(column for column in columns if column.name == name)
    if not any(other.role is Role.LABEL for other in columns):
        yield (
            f"{place}decisionColumn is '{name}', but no column has role label; give it to the column that "
            "says whether a claim was fraud"
        )
    if column.logical_type not in DATED:
        yield (
            f"{place}decisionColumn '{name}' must be a date or a timestamp, but its logicalType is "
            f"{column.logical_type}; name another column"
        )
    elif column.hashed:
        yield (
            f"{place}decisionColumn '{name}' is stored as a hash; write 'storeAs: plain' in that column, or "
            "name another column"
        )
    if column.role not in _UNREAD:
        yield (
            f"{place}decisionColumn '{name}' has role {column.role}, but the time of a decision is not known "
            "when a claim arrives; write 'role: ignored' in that column"
        )


def label_problems(contract: Contract) -> Iterator[str]:
    """Yield why no outcomes can be made from the label.

    Contracts that are in force may have labels of any type, which had no effect, so only contracts that are
    submitted are examined.
    """
    labels = [column for column in contract.columns if column.role is Role.LABEL]
    if len(labels) > 1:
        names = ", ".join(f"'{column.name}'" for column in labels)
        yield f"columns {names}: only one column can have role label; choose it, and make the others ignored"
        return
    for column in labels:
        if column.logical_type is not LogicalType.BOOLEAN:
            yield (
                f"column '{column.name}': the label must be true for fraud and false for honest claims, but "
                f"its logicalType is {column.logical_type}; write 'logicalType: boolean', with trueValues "
                "and falseValues for the words in the files, or 'role: ignored'"
            )
