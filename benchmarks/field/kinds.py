"""The kinds of generated files; each kind is a module with a function ``draw``."""

from collections.abc import Callable, Mapping
from random import Random

from benchmarks.field import containers, dates, identifiers, json_numbers, numbers, plain, words
from benchmarks.field.generated import GeneratedFile

type Draw = Callable[[Random], GeneratedFile]

KINDS: Mapping[str, Draw] = {
    "containers": containers.draw,
    "identifiers": identifiers.draw,
    "json_numbers": json_numbers.draw,
    "plain": plain.draw,
    "numbers": numbers.draw,
    "dates": dates.draw,
    "words": words.draw,
}
