"""Drawn documents of repair shops and insurers, on letterheads that many documents share.

    from samples.documents import Letterhead, document, photographed, scanned
    estimate = document(Letterhead(seed=7, number=0), number=3)     # a Pillow image
    paper = scanned(estimate, random.Random(1))

Documents on one letterhead differ only in what people write into a form: customer, vehicle, date, items,
amounts, signature. Everything is invented and depends only on the seed and the two numbers.
"""

from samples.documents.letterhead import KINDS, Letterhead
from samples.documents.paper import photographed, scanned
from samples.documents.writing import document

__all__ = ["KINDS", "Letterhead", "document", "photographed", "scanned"]
