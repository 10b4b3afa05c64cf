"""Typed reading of an event's fields. An event is parsed once, where it enters, into a frozen dataclass."""

from collections.abc import Mapping
from datetime import date, datetime

from claimwatch.errors import MalformedEvent

_NAMES = {int: "an integer", str: "a text", bool: "true or false", dict: "an object", list: "a list of texts"}


class Fields:
    """The fields of an event named ``title``. Every method raises ``MalformedEvent`` for a wrong field.

    The messages name the field and the expected type, and never quote a value.
    """

    def __init__(self, event: object, title: str) -> None:
        if not isinstance(event, Mapping):
            raise MalformedEvent(f"{title}: expected an object, not {type(event).__name__}")
        self._event: Mapping[str, object] = event
        self._title = title

    def has(self, name: str) -> bool:
        """Return whether the field has a value: null counts as none."""
        return self._event.get(name) is not None

    def integer(self, name: str) -> int:
        """Return an integer."""
        return self._value(name, int)

    def text(self, name: str) -> str:
        """Return a text."""
        return self._value(name, str)

    def optional_text(self, name: str) -> str | None:
        """Return a text, or None if the field is missing or null."""
        return self.text(name) if self.has(name) else None

    def flag(self, name: str) -> bool:
        """Return true or false."""
        return self._value(name, bool)

    def optional_number(self, name: str) -> float | None:
        """Return a number, or None if the field is missing or null."""
        if not self.has(name):
            return None
        value = self._event.get(name)
        return float(value) if isinstance(value, float) else float(self._value(name, int))

    def moment(self, name: str) -> datetime:
        """Return a time, written in ISO 8601."""
        try:
            return datetime.fromisoformat(self.text(name))
        except ValueError:
            raise MalformedEvent(f"{self._title}: field '{name}' must be a time in ISO 8601") from None

    def optional_day(self, name: str) -> date | None:
        """Return a day, written in ISO 8601, or None if the field is missing or null."""
        if not self.has(name):
            return None
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            raise MalformedEvent(f"{self._title}: field '{name}' must be a day such as 2026-03-31") from None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts without duplicates, empty if the field is missing or null."""
        given = self._value(name, list) if self.has(name) else []
        if not all(isinstance(text, str) for text in given):
            raise MalformedEvent(f"{self._title}: field '{name}' must be a list of texts")
        return tuple(dict.fromkeys(given))

    def objects(self, name: str) -> list[Mapping[str, object]]:
        """Return a list of objects."""
        given = self._event.get(name)
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            raise MalformedEvent(f"{self._title}: field '{name}' must be a list of objects")
        return given

    def choice[T: str](self, name: str, choices: tuple[T, ...]) -> T:
        """Return one of the allowed texts."""
        value = self.text(name)
        for choice in choices:
            if choice == value:
                return choice
        raise MalformedEvent(f"{self._title}: field '{name}' must be one of {', '.join(choices)}")

    def mapping(self, name: str) -> Mapping[str, object]:
        """Return an inner object as it is."""
        return self._value(name, dict)

    def object(self, name: str) -> "Fields":
        """Return the fields of an inner object."""
        return Fields(self.mapping(name), f"{self._title}, '{name}'")

    def _value[T](self, name: str, kind: type[T]) -> T:
        value = self._event.get(name)
        # True and False are instances of int as well.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            found = "is missing" if name not in self._event else f"is {type(value).__name__}"
            raise MalformedEvent(f"{self._title}: field '{name}' must be {_NAMES[kind]}; it {found}")
        return value
