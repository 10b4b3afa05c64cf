"""Whatever a contract contains, the reasons against it are sentences that people can read."""

import pytest

from claimwatch.domain.contract.contract import precedence
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.errors import MOST_PROBLEMS, RefusedContract, RefusedFile, RefusedPhoto, sentence
from tests.unit.contracts.sample_contracts import column, contract_text


@pytest.mark.parametrize("kind", [RefusedFile, RefusedPhoto])
@pytest.mark.parametrize(
    "name", ["a\0b", "a\x1b[2Jb", "a\u202eb", "a\x9bb", "a\ud800b", "a\nb\r\nc", "x" * 10_000]
)
def test_a_refusal_is_printable_and_short_whatever_it_quotes(kind: type[Exception], name: str) -> None:
    reason = str(kind(f"the file has '{name}' twice: send it once"))
    assert reason.isprintable()
    assert len(reason) <= 500
    assert reason.startswith("the file has '")
    assert reason.endswith("twice: send it once")


def test_a_sentence_that_people_can_read_is_left_as_it_is() -> None:
    text = "the column 'Größe (m²)' has 2 values: '½' and '日本'; send one"
    assert sentence(text) == text


@pytest.mark.parametrize("name", ["a\u202eb", "a\u0085b", "name" * 5_000, "\U000e0001"])
def test_the_reasons_against_a_contract_are_printable_and_short(name: str) -> None:
    for text in (contract_text(column(name, "text")), contract_text(column("a", "integer", **{name: 1}))):
        with pytest.raises(RefusedContract) as refused:
            parse_contract(text, "home")
        for problem in refused.value.problems:
            assert problem.isprintable()
            assert len(problem) <= 500


def test_thousands_of_problems_fit_into_a_notification() -> None:
    wrong = column("a", "integer", **{f"{'x' * 80} {number}": 1 for number in range(4_000)})
    with pytest.raises(RefusedContract) as refused:
        parse_contract(contract_text(wrong), "home")
    assert len(refused.value.problems) == MOST_PROBLEMS + 1
    assert refused.value.problems[-1] == "3,800 more problems follow; correct these first"
    assert len("\n".join(refused.value.problems).encode()) < 200_000


def test_a_version_with_thousands_of_digits_has_its_place_in_the_order() -> None:
    long = f"1.0.0-{'9' * 5_000}"
    ordered = ["1.0.0-1", "1.0.0-2", "1.0.0-10", long, "1.0.0-a", "1.0.0"]
    assert sorted(["1.0.0-a", "1.0.0-10", "1.0.0", long, "1.0.0-2", "1.0.0-1"], key=precedence) == ordered
