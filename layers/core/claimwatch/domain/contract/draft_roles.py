"""Roles of a draft's columns: the event time, the label, and what is no feature."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from claimwatch.domain.contract.column_words import names_a_number
from claimwatch.domain.contract.contract import DATED, LogicalType, Role, folded_name
from claimwatch.domain.contract.draft_column import Guess
from claimwatch.domain.contract.draft_date_parts import NAME, event_date_of_parts, groups_of_parts
from claimwatch.domain.contract.draft_identifier import assign_identifier
from claimwatch.domain.contract.draft_label import assign_decision, assign_label
from claimwatch.domain.contract.draft_persons import mark_person, newest_year
from claimwatch.domain.contract.type_inference import Values
from claimwatch.domain.contract.value_notes import notes

_EVENTS = (
    {
        *("incident", "loss", "accident", "occurrence", "event", "occurred", "unfall", "ereignis"),
        *("accidente", "ocurrencia", "survenance", "accadimento", "ongeval", "schadedatum", "schadentag"),
        "incidente",
    },
    {"claim", "claims", "clm", "schaden", "schade", "sinistre", "siniestro", "sinistro", "fnol"},
    {"reported", "report", "notified", "notification", "meldung", "meldedatum", "declaration", "denuncia"},
)
"""Words in the names of dates, the likeliest first."""

_EVENT_STEMS = ("schadendat", "schadensdat", "unfall", "ereignis", "ongeval", "accident", "incident")
_NOT_EVENTS = {
    *("birth", "dob", "birthday", "birthdate", "policy", "bind", "start", "end", "expiry", "effective"),
    *("renewal", "purchase", "inception", "license", "licence", "closed", "closing", "paid", "payment"),
    *("until", "expires", "expiration", "pay", "updated", "modified", "extract", "export"),
    *("geburt", "geb", "ende", "naissance", "debut", "fin"),
    *("echeance", "nacimiento", "inicio", "vencimiento", "nascita", "inizio", "scadenza", "ingang", "einde"),
}
_OF_CLAIM = {"claim", "claims", "clm", "loss", "incident", "accident", "event"}
"""Words with which a start is that of the event: claim_start_date, but not policy_start."""

_NOT_EVENT_STEMS = ("geburt", "geboorte", "birth", "vertrag", "polic", "poliz", "beginn", "ablauf", "zahl")
_CLAIMANTS = {
    *("customer", "cust", "client", "claimant", "insured", "policyholder", "member", "patient", "person"),
    *("bene", "beneficiary", "kunde", "kunden", "versicherter", "versicherten", "assure", "asegurado"),
    *("cliente", "assicurato", "verzekerde", "klant"),
}
"""Words for the person who makes a claim, in the names of numbers."""

_MOST_CLAIMS_EACH = 3
"""Claims per claimant above which splits without known claimants would have too few claims."""

_LEAST_PAIRS = 20
_MOST_GROUPS = 10


def assign_roles(guesses: list[Guess]) -> None:
    """Choose the role of each column; at most one is the identifier and one the event time."""
    newest = newest_year(guesses)
    named = not all(guess.placeholder for guess in guesses)
    decided = assign_label(guesses)
    for guess in guesses:
        if guess.placeholder and named:
            guess.checks += ("the file gives this column no name; write one into its header",)
        guess.checks += tuple(notes(guess))
        if not any(guess is other for other in decided):
            _assign_role(guess, newest)
    assign_identifier(guesses)
    _assign_event_time(guesses)
    if not any(guess.role is Role.EVENT_TIME for guess in guesses):
        _propose_event_date(guesses)
    assign_decision(guesses)
    _propose_claimant(guesses)
    _ignore_copies_of_label(guesses)


def _assign_event_time(guesses: Sequence[Guess]) -> None:
    event = max(guesses, key=_event_time_score, default=None)
    if event is None or _event_time_score(event) == 0:
        return
    others = [f"'{guess.name}'" for guess in guesses if guess is not event and _event_time_score(guess) > 0]
    instead = f" (other dates: {', '.join(others[:5])})" if others else ""
    event.role = Role.EVENT_TIME
    event.checks += (f"the event time is a guess{instead}; weekly windows and ages are measured from it",)


def _propose_event_date(guesses: list[Guess]) -> None:
    """Add an event date that columns with a year, a month or a week make."""
    groups = groups_of_parts(guesses)
    ranked = [(_event_rank(set(words)) if words else 2, group) for words, group in groups.items()]
    event = event_date_of_parts([group for rank, group in sorted(ranked, key=lambda item: -item[0]) if rank])
    if event is not None:
        taken = {folded_name(guess.name) for guess in guesses}
        name = (
            NAME
            if NAME not in taken
            else next(name for number in count(2) if (name := f"{NAME}_{number}") not in taken)
        )
        guesses.append(replace(event, header=name, name=name))


def _propose_claimant(guesses: Sequence[Guess]) -> None:
    """Ask about numbers of persons that repeat: a person's claims should not be in two splits."""
    for guess in guesses:
        values = guess.values
        repeats = values.distinct < values.number <= _MOST_CLAIMS_EACH * values.distinct
        named = names_a_number(guess.plain_words) and bool(set(guess.plain_words) & _CLAIMANTS)
        if guess.role is Role.IGNORED and repeats and named:
            claimant = (
                "its values repeat: if it identifies the claimant, name it in the contract's property"
                " claimantColumn, and no model is tested on claimants that it was trained on"
            )
            guess.checks += (claimant,)


def _event_rank(words: set[str]) -> int:
    """Return how likely words name the event of a claim; 0 for other events."""
    if words & (_NOT_EVENTS - {"start"} if words & _OF_CLAIM else _NOT_EVENTS) or any(
        word.startswith(_NOT_EVENT_STEMS) for word in words
    ):
        return 0
    if any(word.startswith(_EVENT_STEMS) for word in words):
        return 4
    return next((4 - rank for rank, likely in enumerate(_EVENTS) if words & likely), 1)


def _assign_role(guess: Guess, newest: int | None) -> None:
    words, values = set(guess.plain_words), guess.values
    typed = guess.logical_type is not LogicalType.STRING
    if mark_person(guess, newest):
        return
    if not typed and (not words or names_a_number(guess.plain_words) or _has_many_values(values)):
        guess.role = Role.IGNORED


def _has_many_values(values: Values) -> bool:
    return values.distinct > 100 and values.distinct > values.number / 2


def _event_time_score(guess: Guess) -> int:
    if guess.logical_type not in DATED or guess.role is not Role.FEATURE:
        return 0
    if guess.values.missing > guess.values.number:  # most claims would have no time
        return 0
    return _event_rank(set(guess.plain_words))


def _ignore_copies_of_label(guesses: Sequence[Guess]) -> None:
    """Ignore columns that say in every row what the label says: a model would learn the outcome from them."""
    for label in (guess for guess in guesses if guess.role is Role.LABEL):
        values = set(label.cells)
        if not 1 < len(values) <= _MOST_GROUPS or len(label.cells) < _LEAST_PAIRS:
            continue
        for guess in guesses:
            if guess.role is not Role.FEATURE or not 1 < len(set(guess.cells)) <= _MOST_GROUPS:
                continue
            pairs = set(zip(label.cells, guess.cells, strict=True))
            if len(pairs) == len(values) == len(set(guess.cells)):
                guess.role = Role.IGNORED
                guess.checks += (f"equals '{label.name}' in every row: it is a label and not a feature",)
