"""Claims are linked by what they have in common now, in every line, and never by a value that is shown."""

from datetime import UTC, datetime

import pytest

from claimwatch.ingest import inspect, load
from claimwatch.storage.case_api import Caller
from claimwatch.storage.connection import StatementRefused
from tests.integration.links.environment import Book
from tests.integration.photos.environment import picture


def person(*groups: str, name: str = "ann", purpose: str | None = "fraud_investigation") -> Caller:
    return Caller(name, purpose, "request-2", groups)


# -- Values --------------------------------------------------------------------------------------------------


def test_claims_with_the_same_value_are_linked_however_it_is_written(book: Book) -> None:
    book.drop("g1,Ann Other,B-X 1", "g2,ann  OTHER,F-Y 2", "g3,Bob,b-x  1", "g4,Cleo,F-Y 3")
    assert book.linked("g1") == {("glass/g2", "person"), ("glass/g3", "plate")}
    assert book.linked("g4") == set()


def test_a_column_that_the_contract_does_not_mark_links_nothing(book: Book) -> None:
    book.drop("g1,Ann,B1,10", "g2,Bob,B2,10")
    assert book.linked("g1") == set()


def test_missing_values_link_nothing(book: Book) -> None:
    book.drop("g1,,", "g2,,")
    assert book.linked("g1") == set()


def test_claims_of_other_lines_are_linked_by_columns_of_the_same_hash_group(book: Book) -> None:
    book.drop("g1,Ann Other,B1")
    book.drop("17,ann other,B2", "18,Bob,b1", line="pane")
    assert book.linked("g1") == {("pane/17", "person"), ("pane/18", "plate")}
    assert book.linked("17", "pane") == {("glass/g1", "person")}


def test_what_a_person_may_not_read_is_only_counted(book: Book) -> None:
    book.drop("g1,Ann,B1")
    book.drop("17,Ann,B1", "18,Bob,B1", line="pane")
    book.grant("person:eve", "claim.read", "glass")
    case_id = book.open("g1")
    answer = book.ask("links", person(name="eve"), case_id=case_id, hops=2).document
    assert ([node["claim_id"] for node in answer["nodes"]], answer["edges"]) == (["g1"], [])
    assert answer["elsewhere"] == 2
    everything = book.links("g1")
    assert (len(everything["nodes"]), everything["elsewhere"]) == (3, 0)


def test_a_replaced_claim_is_linked_by_its_new_values_only(book: Book) -> None:
    book.drop("g1,Ann,B1", "g2,Ann,B2", "g3,Bob,B3")
    book.drop("g2,Bob,B2")
    assert book.linked("g1") == set()
    assert book.linked("g3") == {("glass/g2", "person")}
    assert book.linked("g2") == {("glass/g3", "person")}


def test_an_older_file_that_arrives_late_changes_no_link(book: Book) -> None:
    book.drop("g1,Ann,B1", "g2,Ann,B2")
    book.drop("g2,Bob,B2", at=datetime(2026, 1, 1, tzinfo=UTC))
    book.drop("g3,Bob,B3")
    assert book.linked("g1") == {("glass/g2", "person")}
    assert book.linked("g3") == set()


def test_a_claim_that_was_sent_again_fifty_times_is_one_claim(book: Book) -> None:
    for _ in range(3):
        book.drop("g1,Ann,B1", "g2,Ann,B2")
    assert book.linked("g1") == {("glass/g2", "person")}
    [row] = book.query("SELECT count(*) FROM claimwatch.link_value WHERE kind = 'person'")
    assert row["count"] == 2


def test_erased_claims_are_linked_to_nothing(book: Book) -> None:
    book.drop("g1,Ann,B1", "g2,Ann,B2")
    book.query("DELETE FROM claimwatch.claim_glass WHERE claim_id = 'g2' RETURNING 1")
    assert book.links("g1")["nodes"][1:] == []


def test_rows_of_a_file_that_is_not_committed_are_not_linked(book: Book) -> None:
    book.drop("g1,Ann,B1")
    created = book.site.put("claims/glass/x.csv", "claim_id,broken_on,driver,plate\ng2,2026-01-01,Ann,B2\n")
    file_id = book.site.register(created)
    attempt = book.site.file(file_id)["attempt"]
    for chunk in inspect.inspect(book.site.inspection, file_id, attempt)["chunks"]:
        load.load_chunk(book.site.loading, **chunk)
    assert book.query("SELECT 1 FROM claimwatch.claim_glass WHERE claim_id = 'g2'")
    assert book.linked("g1") == set()
    assert book.query("SELECT 1 FROM claimwatch.link_value WHERE claim_id = 'g2'") == []


def test_no_value_is_in_the_index_in_clear_and_no_login_can_read_its_key(book: Book) -> None:
    book.drop("g1,Ann Other,B-SECRET 1")
    rows = book.query("SELECT * FROM claimwatch.link_value")
    assert {len(bytes(row["value"])) for row in rows} == {16}
    assert "secret" not in str([{**row, "value": bytes(row["value"])} for row in rows]).lower()
    for task in ("api", "ingest", "contracts", "scoring", "read"):
        with pytest.raises(StatementRefused), book.database.as_task(task).transaction() as cursor:
            cursor.execute("SELECT key FROM claimwatch.link_key")


# -- Hubs and hops -------------------------------------------------------------------------------------------


def test_a_value_that_more_than_fifty_claims_share_is_counted_and_not_followed(book: Book) -> None:
    book.drop(*(f"g{number},Ann,B{number}" for number in range(50)))
    assert len(book.links("g7")["nodes"]) == 50
    book.drop("h1,Ann,B7")
    found = book.links("g7")
    assert [node["claim_id"] for node in found["nodes"]] == ["g7", "h1"]
    assert found["hubs"] == [{"kind": "person", "claims": 51, "from": "glass/g7"}]
    assert found["truncated"] is False


@pytest.mark.parametrize(("claims", "counted"), [(300, 300), (1100, 1000)])
def test_a_large_hub_is_counted_up_to_a_thousand(book: Book, claims: int, counted: int) -> None:
    book.drop(*(f"g{number},Ann,B{number}" for number in range(claims)))
    assert book.links("g7")["hubs"] == [{"kind": "person", "claims": counted, "from": "glass/g7"}]


def test_claims_that_had_a_value_make_no_hub(book: Book) -> None:
    book.drop(*(f"g{number},Ann,B{number}" for number in range(60)))
    book.drop(*(f"g{number},Bob {number},B{number}" for number in range(20)))
    found = book.links("g40")
    assert (found["hubs"], len(found["nodes"])) == ([], 40)


def test_two_hops_follow_the_linked_claims_and_one_hop_does_not(book: Book) -> None:
    book.drop("g1,Ann,B1", "g2,Ann,B2", "g3,Bob,B2", "g4,Bob,B4")
    assert book.linked("g1") == {("glass/g2", "person")}
    found = book.links("g1", hops=2)
    assert [(node["claim_id"], node["hop"]) for node in found["nodes"]] == [("g1", 0), ("g2", 1), ("g3", 2)]
    assert [(edge["from"], edge["to"], edge["kind"]) for edge in found["edges"]] == [
        ("glass/g1", "glass/g2", "person"),
        ("glass/g2", "glass/g3", "plate"),
    ]


def test_at_most_fifty_claims_are_shown_those_with_the_most_in_common_first(book: Book) -> None:
    book.drop(
        "g0,Ann,B0",
        *(f"a{number:02},Ann,X{number}" for number in range(40)),
        *(f"b{number:02},Bob {number},B0" for number in range(40)),
        line="glass",
    )
    book.drop("z,Ann,B0")
    found = book.links("g0")
    assert (len(found["nodes"]), found["truncated"]) == (51, True)
    assert found["nodes"][1]["claim_id"] == "z"


# -- Photos --------------------------------------------------------------------------------------------------


def test_photos_that_are_alike_link_claims_in_both_directions_by_their_event(book: Book) -> None:
    book.drop("g1,Ann,B1,,e-1", "g2,Bob,B2,,e-2")
    book.drop("17,Cleo,B3,,e-3", line="pane")
    for number, event in enumerate(("e-1", "e-2", "e-3")):
        book.photos.store(f"images/{event}/a.jpg", picture(0b1 if event == "e-2" else 0), second=number)
    for claim, line in (("g1", "glass"), ("g2", "glass"), ("17", "pane")):
        others = {"glass/g1", "glass/g2", "pane/17"} - {f"{line}/{claim}"}
        assert book.linked(claim, line) == {(other, "photo") for other in others}
    distances = {edge["to"]: edge["distance"] for edge in book.links("g1")["edges"]}
    assert distances == {"glass/g2": 1, "pane/17": 0}


def test_a_photo_that_was_deleted_links_nothing(book: Book) -> None:
    book.drop("g1,Ann,B1,,e-1", "g2,Bob,B2,,e-2")
    book.photos.store("images/e-1/a.jpg")
    created = book.photos.drop("images/e-2/b.jpg", second=1)
    assert book.photos.receive(created).status == "stored"
    assert book.linked("g1") == {("glass/g2", "photo")}
    book.photos.withdraw(created.ref, permanent=True, second=5)
    assert (book.linked("g1"), book.linked("g2")) == (set(), set())


# -- Cases ---------------------------------------------------------------------------------------------------


def test_a_linked_claim_shows_its_case_and_the_verdict_once_it_is_decided(book: Book) -> None:
    book.drop("g1,Ann,B1", "g2,Ann,B2", "g3,Ann,B3", "g4,Ann,B4")
    book.site.drop(
        "outcomes/glass/o.csv",
        "claim_id,is_fraud,decided_at\ng3,true,2026-02-01T00:00:00Z\ng4,false,2026-02-01T00:00:00Z\n",
    )
    second = book.open("g2", state="second_look")
    book.open("g4", state="settled", closed_at="2026-02-02")
    shown = {node["claim_id"]: node for node in book.links("g1")["nodes"]}
    assert (shown["g2"]["case_id"], shown["g2"]["state"], shown["g2"]["verdict"]) == (
        second,
        "second_look",
        None,
    )
    assert (shown["g3"]["case_id"], shown["g3"]["state"], shown["g3"]["verdict"]) == (None, None, "fraud")
    assert (shown["g4"]["state"], shown["g4"]["verdict"]) == ("settled", "not_fraud")
    assert set(shown["g2"]) == {"line", "claim_id", "case_id", "state", "verdict", "received_at", "hop"}


def test_each_question_about_links_is_one_event_and_refusals_are_too(book: Book) -> None:
    book.drop("g1,Ann,B1")
    case_id = book.open("g1")
    book.grant("person:pia", "claim.read", "pane")
    asked = {"case_id": case_id, "hops": 1}
    for caller, fields, outcome, code in (
        (person("investigator"), asked, "answered", None),
        (person("investigator", purpose=None), asked, "refused", "purpose"),
        (person("data_scientist"), asked, "refused", "forbidden"),
        (person("investigator"), asked | {"hops": 3}, "refused", "malformed"),
        (person("investigator"), {"case_id": "0" * 8, "hops": 1}, "not_found", "not_found"),
        (person(name="pia"), asked, "not_found", "not_found"),
    ):
        before = len(book.query("SELECT 1 FROM claimwatch.access_event"))
        answer = book.ask("links", caller, **fields)
        assert (answer.outcome, answer.document.get("code")) == (outcome, code)
        events = book.query("SELECT * FROM claimwatch.access_event ORDER BY seq")
        assert len(events) == before + 1
        assert (events[-1]["action"], events[-1]["outcome"]) == ("claim.links", outcome)
    assert events[-1]["line"] == "glass"
