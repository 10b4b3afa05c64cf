"""Values reach the index after every commit and every change of a contract, and each exactly once."""

from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.validation.keyed_hash import canonical_text
from claimwatch.errors import TransientFault
from claimwatch.ingest import commit, feed_links
from claimwatch.storage import links
from tests.cluster import ClonedDatabase
from tests.integration.links.environment import Book


def kinds(book: Book) -> dict[str, int]:
    """Return the number of values in the index by kind."""
    rows = book.query("SELECT kind, count(*) FROM claimwatch.link_value GROUP BY kind")
    return {row["kind"]: row["count"] for row in rows}


def test_the_canonical_text_of_the_database_is_that_of_hashes(database: ClonedDatabase) -> None:
    """Columns in clear and columns stored as hashes treat the same notations as equal."""
    letters = st.characters(codec="utf-8", exclude_characters="\0")
    blanks = st.sampled_from(
        [" ", "  ", "\t", "\u00a0", "\u200b", "\u2003", "\x1f", "\ufeff", "\u0301", "\u0345"]
    )
    texts = st.lists(
        letters | blanks | st.sampled_from(["ß", "İ", "ﬁ", "Σ", "ς", "é", "É", "A"]), max_size=12
    )

    with database.transaction() as cursor:

        @settings(max_examples=600, deadline=None)
        @given(texts.map("".join))
        def agree(text: str) -> None:
            cursor.execute("SELECT claimwatch.link_text(%s)", (text,))
            assert cursor.fetchone() == (canonical_text(text),)

        agree()
        every = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
        every = [letter for letter in every if letter < "\u3100" or canonical_text(letter) != letter]
        for start in range(0, len(every), 20_000):
            part = every[start : start + 20_000]
            cursor.execute(
                "SELECT array_agg(claimwatch.link_text(l) ORDER BY n)"
                " FROM unnest(%s::text[]) WITH ORDINALITY AS u (l, n)",
                (part,),
            )
            [found] = cursor.fetchone() or [None]
            assert found == [canonical_text(letter) for letter in part]


def test_the_canonical_text_is_part_of_the_query_that_feeds(database: ClonedDatabase) -> None:
    """Called for each row instead, it takes ten times as long, and a commit waits for it."""
    with database.transaction() as cursor:
        cursor.execute("EXPLAIN (VERBOSE) SELECT claimwatch.link_text(l) FROM unnest(ARRAY['a', NULL]) AS l")
        plan = "\n".join(line for (line,) in cursor)
        assert "lower(" in plan
        assert "link_text" not in plan
        cursor.execute("SELECT claimwatch.link_text(NULL)")
        assert cursor.fetchone() == (None,)


def test_a_column_that_a_contract_marks_later_links_the_claims_that_are_there(book: Book) -> None:
    book.drop("g1,Ann,B1,10", "g2,Bob,B2,10", "g3,Cleo,B3,11")
    book.drop("g4,Dora,B4,10.0")
    assert book.linked("g1") == set()
    assert book.apply("glass", version="1.1.0", linked="driver plate amount").status == "applied"
    assert book.linked("g1") == {("glass/g2", "amount"), ("glass/g4", "amount")}
    assert book.query("SELECT * FROM claimwatch.link_backlog") == []


def test_a_column_that_a_contract_no_longer_marks_links_nothing(book: Book) -> None:
    book.drop("g1,Ann,B1", "g2,Ann,B1")
    assert book.apply("glass", version="1.1.0", linked="plate").status == "applied"
    assert book.linked("g1") == {("glass/g2", "plate")}
    assert book.apply("glass", version="1.2.0", linked="driver plate").status == "applied"
    assert book.linked("g1") == {("glass/g2", "person"), ("glass/g2", "plate")}


def test_a_new_version_that_links_by_the_same_columns_feeds_nothing_again(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.drop("g1,Ann,B1")
    monkeypatch.setattr(links, "feed", lambda *_: False)
    assert book.apply("glass", version="1.1.0").status == "applied"
    assert book.query("SELECT * FROM claimwatch.link_backlog") == []


def test_a_file_is_fed_in_transactions_of_few_rows(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int | None] = []
    feed = links.feed

    def counted(cursor: Any, file_id: int | None, most: int) -> bool:
        calls.append(file_id)
        return feed(cursor, file_id, most)

    monkeypatch.setattr(links, "feed", counted)
    monkeypatch.setattr(feed_links, "ROWS_AT_ONCE", 10)
    file = book.drop(*(f"g{number},Driver {number},B{number}" for number in range(35)))
    assert calls.count(file["file_id"]) == 5  # four parts, and nothing left
    assert kinds(book) == {"person": 35, "plate": 35}


@pytest.mark.parametrize("fed", range(5))
def test_what_a_crash_left_waits_for_the_next_commit(
    book: Book, fed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_links, "ROWS_AT_ONCE", 10)
    left = fed
    feed = links.feed

    def dies(cursor: Any, file_id: int | None, most: int) -> bool:
        nonlocal left
        if not left:
            raise ConnectionResetError
        left -= 1
        return feed(cursor, file_id, most)

    monkeypatch.setattr(links, "feed", dies)
    with pytest.raises(ConnectionResetError):
        book.drop(*(f"g{number},Driver {number},B{number}" for number in range(35)))
    assert book.query("SELECT status FROM claimwatch.file") == [{"status": "committed"}]
    monkeypatch.setattr(links, "feed", feed)
    book.drop("h1,Driver 34,X")
    assert book.linked("h1") == {("glass/g34", "person")}
    assert kinds(book) == {"person": 36, "plate": 36}


def test_a_repeated_commit_goes_on_where_the_first_one_stopped(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(commit, "feed_links", lambda *_: False)
        file = book.drop("g1,Ann,B1")
        assert kinds(book) == {}
    commit.commit_file(book.site.committing, file["file_id"], file["attempt"])
    assert kinds(book) == {"person": 1, "plate": 1}


def test_files_that_code_of_an_earlier_release_commits_are_fed_later(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a deployment it commits files by the same statement, and knows of no index."""
    with monkeypatch.context() as patched:
        patched.setattr(commit, "feed_links", lambda *_: False)
        book.drop("g1,Ann,B1")
    book.drop("g2,Ann,B2")
    assert book.linked("g1") == {("glass/g2", "person")}


def test_a_file_that_is_committed_while_a_contract_is_applied_is_fed_with_its_columns(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Feeding waits for the contract; otherwise it would take the file off the list without the column."""
    monkeypatch.setattr(commit, "feed_links", lambda *_: False)
    with (
        closing(book.database.separately("contracts")) as contracts,
        closing(book.database.separately("ingest")) as other,
    ):

        def feed_at_once() -> None:
            with other.transaction() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '200ms'")
                links.feed(cursor, None, 10)

        with contracts.transaction() as cursor:
            cursor.execute(
                "UPDATE claimwatch.contract SET compiled = replace(compiled::text, %s, %s)::jsonb"
                " WHERE line = 'glass'",
                ('"role": "feature"', '"role": "feature", "link_on": true'),
            )
            book.drop("g1,Ann,B1,10")
            with pytest.raises(TransientFault):
                feed_at_once()
        feed_at_once()
    assert kinds(book) == {"person": 1, "plate": 1, "amount": 1}
