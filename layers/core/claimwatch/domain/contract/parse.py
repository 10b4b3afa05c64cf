"""Parse the text of a data contract."""

from claimwatch.domain.contract.contract import Contract


def parse_contract(text: str, line: str, table: str = "") -> Contract:
    """Parse the contract of a line from ODCS v3 YAML.

    ``table`` is the table that the contract describes, ``claim_<line>`` by default.

    Raises ``RefusedContract`` with all problems; each names the column or the key, and says what to do.

    Applied contracts are stored as text and parsed again for each file and week. A text that was accepted
    once must therefore be accepted by all later versions of this function.
    """
    # Its model of ODCS takes 0.1 to 0.3 s of a cold start to import, and most functions read no contract.
    from claimwatch.domain.contract.odcs import read_contract  # noqa: PLC0415

    return read_contract(text, line, table or f"claim_{line}")
