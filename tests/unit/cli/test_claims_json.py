"""Claims are sent as they are written: no number is parsed and written again."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.errors import RefusedData
from cli.claims_json import (
    LARGEST_PLAIN,
    MOST_CHARACTERS,
    MOST_CLAIMS,
    claims_of,
    ndjson_of,
    packed,
    requests_of,
)

CLAIMS = ['{"id": 1, "amount": 1.10}', '{"id": 2,"amount":1e400}', '{"id": "3", "id": "4", "n": [1, {}]}']


def written(folder: Path, text: str) -> Path:
    path = folder / "claims.json"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(CLAIMS),
        "\r\n\r\n".join(CLAIMS) + "\r\n",
        "\ufeff" + "\n".join(CLAIMS) + "\n",
        "[" + ",".join(CLAIMS) + "]",
        "[\n  " + " ,\n  ".join(CLAIMS) + "\n]\n",
        '{"claims": [' + ", ".join(CLAIMS) + "]}",
    ],
    ids=["lines", "blank lines", "byte order mark", "list", "indented list", "request"],
)
def test_claims_of_every_form_keep_their_characters(tmp_path: Path, text: str) -> None:
    assert claims_of(written(tmp_path, text)) == CLAIMS


def test_a_single_claim_over_several_lines_is_one_claim(tmp_path: Path) -> None:
    claim = '{\n  "claims": 3,\n  "amount": 1.0\n}'
    assert claims_of(written(tmp_path, claim)) == [claim]


def test_a_claim_with_a_column_named_claims_is_a_claim(tmp_path: Path) -> None:
    claim = '{"claims": [1, 2]}'
    assert claims_of(written(tmp_path, claim)) == [claim]


@pytest.mark.parametrize(
    "text", ["", " \n", "[]", "id,amount\n1,2", '{"id": 1}\n{"id": ', "[1 2]", "[" * 100_000]
)
def test_a_file_without_claims_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(RefusedData) as refused:
        claims_of(written(tmp_path, text))
    assert "amount" not in str(refused.value)


def test_claims_become_lines_without_changing_a_character_of_a_text(tmp_path: Path) -> None:
    text = "a\u2028b\u0085c\u2029d"
    claims = claims_of(written(tmp_path, f'[{{"id":\r\n "{text}"}}, {{"id": 2}}]'))

    lines = ndjson_of(claims).decode().split("\n")

    assert [json.loads(line) for line in lines[:-1]] == [{"id": text}, {"id": 2}]


@pytest.mark.parametrize(("size", "compressed"), [(LARGEST_PLAIN, False), (LARGEST_PLAIN + 1, True)])
def test_only_a_body_that_the_api_cannot_take_as_it_is_is_compressed(size: int, compressed: bool) -> None:
    body, headers = packed(b"x" * size)

    assert headers == ({"content-encoding": "gzip"} if compressed else {})
    assert (gzip.decompress(body) if compressed else body) == b"x" * size


@settings(max_examples=60)
@given(st.lists(st.integers(1, MOST_CHARACTERS // 3), min_size=1, max_size=30), st.integers(1, 12))
def test_requests_have_every_claim_once_in_order_and_stay_within_their_limits(
    sizes: list[int], repeated: int
) -> None:
    claims = [json.dumps({"n": "x" * size}) for size in sizes * repeated]

    requests = list(requests_of(claims))

    sent = [(first, json.loads(body)["claims"]) for first, body in requests]
    assert [claim for _, batch in sent for claim in batch] == [json.loads(claim) for claim in claims]
    assert [first for first, _ in sent] == [sum(len(b) for _, b in sent[:at]) for at in range(len(sent))]
    for _, batch in sent:
        assert len(batch) <= MOST_CLAIMS
        assert len(batch) == 1 or sum(len(claim["n"]) for claim in batch) <= MOST_CHARACTERS
