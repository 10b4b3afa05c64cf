"""Categories are ordered by the training claims, and served features have the same order."""

import numpy as np

from claimwatch.domain.model.features import encode
from tests.unit.training.small_books import SPEC, small_book
from training.category_encoding import by_fraud_rate

MAKE = 3


def test_the_codes_rise_with_the_fraud_rate() -> None:
    x, y = small_book()
    order = by_fraud_rate(SPEC, x, y)
    recoded = order.recoded(x)
    rates = [y[recoded[:, MAKE] == code].mean() for code in range(4)]
    assert rates == sorted(rates)
    np.testing.assert_array_equal(np.isnan(recoded), np.isnan(x))


def test_recoding_a_matrix_matches_encoding_with_the_ordered_features() -> None:
    x, y = small_book(200)
    names = SPEC.features[MAKE].categories
    columns = {feature.column: x[:, place].astype(float) for place, feature in enumerate(SPEC.features)}
    columns["make"] = np.array(
        [None if np.isnan(code) else names[int(code)] for code in x[:, MAKE]], dtype=object
    )
    order = by_fraud_rate(SPEC, x, y)
    np.testing.assert_array_equal(encode(order.spec(SPEC), columns), order.recoded(encode(SPEC, columns)))


def test_a_category_without_claims_has_the_base_rate() -> None:
    x, y = small_book()
    x[x[:, MAKE] == 3, MAKE] = np.nan
    order = by_fraud_rate(SPEC, x, y).codes[MAKE]
    assert order[0] != 3
    assert order[-1] != 3
