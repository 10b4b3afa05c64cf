"""Words for true and false."""

from claimwatch.domain.contract.contract import Column

TRUE_WORDS = ("true", "t", "yes", "y", "1", "1.0")
FALSE_WORDS = ("false", "f", "no", "n", "0", "0.0")


def truth_words(column: Column) -> dict[str, bool]:
    """Return what the words of a column mean, in lower case: its own words, and the usual ones.

    A usual word for true is not used if the column has it for false, and the other way round.
    """
    words: dict[str, bool] = {}
    for truth, own, usual, others in (
        (True, column.true_words, TRUE_WORDS, column.false_words),
        (False, column.false_words, FALSE_WORDS, column.true_words),
    ):
        for word in (*own, *(word for word in usual if word not in others)):
            words.setdefault(word, truth)
    return words
