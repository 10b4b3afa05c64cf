"""Parse the text of a data contract."""

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.odcs import read_contract


def parse_contract(text: str, line: str, table: str = "") -> Contract:
    """Parse the contract of a line from ODCS v3 YAML.

    ``table`` is the table that the contract describes, ``claim_<line>`` by default.

    Raises ``RefusedContract`` with every problem found; each problem names the column or the key, and says
    what to do.
    """
    return read_contract(text, line, table or f"claim_{line}")
