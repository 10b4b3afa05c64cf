"""Claims are found by id and by values in clear; nothing that is sought is recorded but ids."""

from claimwatch.storage.case_api import Caller
from tests.integration.links.environment import Book


def test_a_claim_is_found_by_its_id_or_the_beginning_of_it(book: Book) -> None:
    book.drop("g1,Ann,B1", "g12,Bob,B2", "h1,Cleo,B3", "G1,Dora,B4")
    assert book.found(q="g1") == ["glass/g1", "glass/g12"]
    assert book.found(q="g12") == ["glass/g12"]
    assert book.found(q="x") == []
    assert book.found(q="%") == []


def test_a_whole_number_is_found_as_it_is(book: Book) -> None:
    book.drop("17,Ann,B1", "170,Bob,B2", line="pane")
    assert book.found(q="17") == ["pane/17"]
    assert book.found(q="9" * 400) == []


def test_a_claim_that_was_sent_again_is_found_once(book: Book) -> None:
    for _ in range(3):
        book.drop("g1,Ann,B1")
    assert book.found(q="g") == ["glass/g1"]


def test_claims_are_found_by_a_value_in_clear_however_it_is_written(book: Book) -> None:
    book.drop("g1,Ann,B-X 1", "g2,Bob,b-x  1", "g3,Cleo,B-X 2")
    book.drop("17,Dora,B-X 1", line="pane")
    assert book.found(column="plate", value=" b-X 1 ") == ["pane/17", "glass/g1", "glass/g2"]
    assert book.found(column="plate", value="B-X 1", line="pane") == ["pane/17"]
    book.drop("g2,Bob,changed")
    assert book.found(column="plate", value="B-X 1", line="glass") == ["glass/g1"]


def test_a_number_is_found_however_it_is_written(book: Book) -> None:
    assert book.apply("glass", version="1.1.0", linked="amount").status == "applied"
    book.drop("g1,Ann,B1,10.50", "g2,Bob,B2,10.5", "g3,Cleo,B3,11")
    assert book.found(column="amount", value="10.500") == ["glass/g1", "glass/g2"]
    assert book.found(column="amount", value="ten") == []


def test_hashed_columns_cannot_be_searched_and_the_answer_says_so(book: Book) -> None:
    book.drop("g1,Ann Other,B1")
    [row] = book.query("SELECT driver FROM claimwatch.claim_glass")
    for value in ("Ann Other", row["driver"]):
        answer = book.ask("search", column="driver", value=value).document
        assert answer == {"claims": [], "unsearchable": ["glass", "pane"]}
    assert book.ask("search", column="amount", value="1").document == {"claims": [], "unsearchable": []}


def test_only_lines_that_the_person_may_read_are_searched(book: Book) -> None:
    book.drop("g1,Ann,B1")
    book.drop("1,Ann,B1", line="pane")
    book.grant("person:eve", "claim.read", "pane")
    eve = Caller("eve", "fraud_investigation", "request-1")
    assert book.found(eve, column="plate", value="B1") == ["pane/1"]
    assert book.found(eve, q="g1") == []
    assert book.found(eve, q="g1", line="glass") == []


def test_each_search_is_one_event_without_the_value(book: Book) -> None:
    book.drop("g1,Ann,B-SECRET")
    assert book.found(column="plate", value="B-SECRET") == ["glass/g1"]
    [event] = book.query("SELECT * FROM claimwatch.access_event")
    assert (event["action"], event["object"], event["outcome"]) == (
        "claim.search",
        "column plate",
        "answered",
    )
    for caller, asked, code in (
        (Caller("ann", None, "r", ("investigator",)), {"q": "g"}, "purpose"),
        (Caller("ann", "audit", "r", ("data_scientist",)), {"q": "g"}, "forbidden"),
        (Caller("ann", "audit", "r", ("investigator",)), {}, "malformed"),
        (Caller("ann", "audit", "r", ("investigator",)), {"column": "plate"}, "malformed"),
    ):
        before = len(book.query("SELECT 1 FROM claimwatch.access_event"))
        answer = book.ask("search", caller, **asked)
        assert (answer.outcome, answer.document["code"]) == ("refused", code)
        assert len(book.query("SELECT 1 FROM claimwatch.access_event")) == before + 1
