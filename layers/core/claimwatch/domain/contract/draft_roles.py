"""Roles of a draft's columns: the identifier, the event time, the label and what is no feature."""

from claimwatch.domain.contract.contract import LogicalType, Role
from claimwatch.domain.contract.draft_column import DATED, NUMBERED, Guess
from claimwatch.domain.contract.personal_data import mark_person
from claimwatch.domain.contract.type_inference import Values

_CLAIM = {"claim", "claims", "loss", "case", "notification", "fnol"}
_EVENTS = (
    {"incident", "loss", "accident", "occurrence", "event"},
    {"claim", "claims"},
    {"reported", "report"},
)
_NOT_EVENTS = {"birth", "dob", "policy", "bind", "start", "end", "expiry", "effective", "renewal", "purchase"}
_LABELS = {"fraud", "fraudulent"}


def assign_roles(guesses: list[Guess]) -> None:
    """Choose the role of each column; at most one is the identifier and one the event time."""
    for guess in guesses:
        _assign_role(guess)
    identifier = max(guesses, key=_identifier_score, default=None)
    if identifier is not None and _identifier_score(identifier) > 0:
        identifier.role, identifier.personal = Role.IDENTIFIER, False
        if identifier.logical_type is not LogicalType.INTEGER:
            identifier.logical_type = LogicalType.STRING
        why = "its values are unique" if identifier.unique else "from its name"
        identifier.checks = (f"the identifier is a guess ({why}); it must identify exactly one claim",)
    event = max(guesses, key=_event_time_score, default=None)
    if event is not None and _event_time_score(event) > 0:
        event.role, event.personal = Role.EVENT_TIME, False
        event.checks += ("the event time is a guess; weekly windows and ages are measured from it",)


def _assign_role(guess: Guess) -> None:
    words, values = set(guess.words), guess.values
    typed = guess.logical_type is not LogicalType.STRING
    if words & _LABELS or any("fraud" in word for word in guess.words):
        guess.role = Role.LABEL
        guess.checks += ("the label is a guess; models are trained to predict it",)
    elif mark_person(guess):
        return
    elif not typed and values.average_length > 40 and values.distinct > values.number / 2:
        guess.role, guess.personal, guess.plain = Role.TEXT, True, True
        guess.checks += ("long texts, which may name people; stored as plain text so that they can be read",)
    elif not typed and (not guess.words or guess.words[-1] in NUMBERED or _has_many_values(values)):
        guess.role = Role.IGNORED


def _has_many_values(values: Values) -> bool:
    return values.distinct > 100 and values.distinct > values.number / 2


def _identifier_score(guess: Guess) -> int:
    words = set(guess.words)
    values = guess.values
    if guess.role in (Role.LABEL, Role.PROTECTED, Role.TEXT) or guess.logical_type in (
        LogicalType.BOOLEAN,
        LogicalType.NUMBER,
        *DATED,
    ):
        return 0
    numbered = bool(guess.words) and (guess.words[-1] in NUMBERED or guess.words == ("claim",))
    if not numbered or values.missing or (guess.personal and not words & _CLAIM):
        return 0
    if words & _CLAIM:
        return 3 if values.distinct >= 0.9 * values.number else 0
    if guess.unique:
        return 2 if len(words) == 1 else 1
    return 0


def _event_time_score(guess: Guess) -> int:
    words = set(guess.words)
    if guess.logical_type not in DATED or words & _NOT_EVENTS:
        return 0
    return next((4 - rank for rank, likely in enumerate(_EVENTS) if words & likely), 1)
