"""The label of a draft: the column that says whether a claim was fraud, and the date of that decision.

The label is found by its name and its values, in six languages. A column in doubt is left out of models, and
a check line asks about it, because a label among the features would give every model the answer.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from unicodedata import combining, normalize

from claimwatch.domain.contract.category_words import is_listable
from claimwatch.domain.contract.contract import DATED, LogicalType, Role
from claimwatch.domain.contract.draft_column import Guess
from claimwatch.domain.contract.type_inference import (
    FALSE_ELSEWHERE,
    FALSE_WORDS,
    MISSING_AMONG_TYPED,
    TRUE_ELSEWHERE,
    TRUE_WORDS,
)

_FRAUD = ("fraud", "betrug", "betrueg", "frode", "frodi", "truffa", "estafa", "bedrog", "oplichting")
"""Parts of words that mean fraud."""

_SUSPICIOUS = {
    *("suspicious", "suspect", "suspected", "bogus", "fake", "scam", "verdachtig", "verdacht", "sospechoso"),
    *("sospechosa", "sospetto", "sospetta", "suspecte", "anomalous", "anomaly"),
}
_HONEST = {
    *("legit", "legitimate", "genuine", "honest", "benign", "normal", "clean", "valid", "ok", "okay", "real"),
    *("authentic", "regular", "legitim", "ehrlich", "echt", "redlich", "unauffallig", "regular", "sauber"),
    *("legitime", "authentique", "honnete", "normale", "regulier", "reguliere", "legitimo", "legitima"),
    *("genuino", "genuina", "honesto", "honesta", "legittimo", "legittima", "onesto", "onesta", "regolare"),
    *("legitiem", "eerlijk", "normaal"),
}
_NOT = {
    *("no", "not", "non", "none", "without", "never", "kein", "keine", "nicht", "ohne", "pas", "sans"),
    *("aucun", "aucune", "sin", "ninguno", "ninguna", "nessuna", "nessun", "senza", "geen", "niet", "zonder"),
}
_BESIDE = {
    *("confirmed", "proven", "detected", "found", "reported", "case", "claim", "insurance", "is", "a", "the"),
    *("potential", "possible", "probable", "likely", "known", "fall", "bestatigt", "bestatigter", "erwiesen"),
    *("erwiesener", "nachgewiesen", "nachgewiesener", "de", "du", "des", "avere", "averee", "prouve"),
    *("prouvee", "confirme", "confirmee", "confirmado", "confirmada", "probado", "probada", "accertata"),
    *("confermata", "provata", "di", "bevestigd", "bevestigde", "bewezen", "aangetoond", "aangetoonde"),
}
"""Words that stand beside these in the values of a label."""

_NEGATED = re.compile(rf"(?:no|non|not|un|kein|nicht)(?:{'|'.join(_FRAUD)})")
_UNDECIDED = (MISSING_AMONG_TYPED - {"none", "nil", "keine", "geen"}) | {
    *("pending", "open", "undecided", "undetermined", "inconclusive", "in progress", "under review"),
    *("under investigation", "not reviewed", "to be determined", "offen", "in prufung", "ungeklart"),
    *("in bearbeitung", "en cours", "en attente", "indetermine", "pendiente", "en curso", "abierto"),
    *("in corso", "in attesa", "aperto", "in behandeling", "onbeslist", "in onderzoek"),
}
"""Values of a label that decide nothing, in lower case and without accents."""

_YES, _NO = TRUE_WORDS | {"1.0"}, FALSE_WORDS | {"0.0"}
"""Words that the loader reads as true and as false, whatever the contract says."""

_MOST_VALUES = 30
"""The most different values of a column that are read as those of a label."""

_FILLERS = {"is", "the", "flag", "ist", "est", "es", "col", "column", "field", "variable", "var"}
_GENERIC = {
    *("class", "label", "target", "y", "outcome", "verdict", "klasse", "ziel", "zielvariable", "etikett"),
    *("clase", "classe", "etiqueta", "etiquette", "cible", "objetivo", "esito", "uitkomst", "doel"),
    *("ground", "truth", "groundtruth"),
}
"""Names that data sets give to any label."""

_EARLIER = {
    *("previous", "prior", "past", "history", "historical", "earlier", "before", "former", "last", "count"),
    *("number", "num", "no", "n", "vorherige", "vorher", "fruhere", "fruher", "bisherige", "vor", "anzahl"),
    *("vorige", "anterior", "anteriores", "previo", "previa", "previos", "precedent", "precedente"),
    *("precedents", "precedenti", "passe", "antecedents", "nombre", "numero", "eerder", "eerdere", "aantal"),
}
"""Words for frauds of earlier claims, which are known when a claim arrives."""

_DERIVED = {
    *("score", "risk", "probability", "prob", "likelihood", "rating", "index", "level", "type", "kind"),
    *("category", "amount", "sum", "date", "day", "reason", "description", "note", "comment", "alert"),
    *("alerts", "rule", "model", "art", "typ", "datum", "grund", "betrag", "montant", "tipo", "fecha"),
    *("motivo", "importo", "data", "bedrag", "risiko", "risque", "riesgo", "rischio", "risico"),
}
"""Words for what somebody says about a fraud besides whether it is one."""

_DECIDED = (
    {
        *("decided", "decision", "verdict", "entschieden", "entscheidung", "entscheidungsdatum", "decidido"),
        *("decisione", "beslissing", "besluit", "besloten", "determined", "adjudicated", "confirmed"),
    },
    {
        *("closed", "closing", "close", "closure", "settled", "settlement", "resolved", "resolution"),
        *("concluded", "completed", "finalized", "finalised", "abgeschlossen", "abschluss", "abschlussdatum"),
        *("erledigt", "erledigung", "erledigungsdatum", "geschlossen", "reguliert", "regulierung"),
        *("regulierungsdatum", "schliessung", "cloture", "clos", "reglement", "cierre", "resolucion"),
        *("liquidacion", "chiusura", "chiuso", "liquidazione", "gesloten", "sluiting", "afgesloten"),
        *("afhandeling", "afgehandeld", "sluitingsdatum"),
    },
)
"""Words in the names of dates of decisions, the likeliest first."""

_NOT_OF_CLAIM = {"policy", "contract", "account", "vertrag", "police", "poliza", "polizza", "polis"}


class _Truth(Enum):
    """What a value of a label says about its claim."""

    FRAUD = auto()
    HONEST = auto()
    UNDECIDED = auto()


@dataclass(frozen=True)
class _Reading:
    """What each value of a column says, and how likely the column is the label."""

    truth: dict[str, _Truth]
    in_words: bool
    """Whether a value says that a claim is a fraud, whatever the name of the column."""

    def of(self, truth: _Truth) -> list[str]:
        """Return the values with this meaning."""
        return [value for value, found in self.truth.items() if found is truth]

    @property
    def both(self) -> bool:
        """Whether some claims are frauds and others are honest."""
        return {_Truth.FRAUD, _Truth.HONEST} <= set(self.truth.values())


def assign_label(guesses: Sequence[Guess]) -> list[Guess]:
    """Choose the label, and mark columns that may be one; return the columns whose role is decided now."""
    read = [(guess, _reading(guess)) for guess in guesses]
    best = max(read, key=lambda pair: _likelihood(*pair), default=None)
    label = best[0] if best is not None and _likelihood(*best)[0] > 0 else None
    decided = []
    for guess, reading in read:
        if guess is label and reading is not None:
            _become_label(guess, reading)
        elif label is not None and _likelihood(guess, reading)[0] > 1:
            guess.role = Role.IGNORED
            guess.checks += (
                f"may be the label, too, but '{label.name}' is taken for it: only one column can be",
            )
        elif not _names_fraud(guess) and not _says_fraud(guess):
            continue
        elif _words(guess) & _EARLIER:
            guess.checks += ("the name mentions fraud: a feature only if it is known when the claim arrives",)
            continue
        else:
            guess.role = Role.IGNORED
            guess.may_be_label = not _names_fraud(guess) or _is_unknown_flag(guess)
            guess.checks += (_question(guess),)
        decided.append(guess)
    return decided


def assign_decision(guesses: Sequence[Guess]) -> None:
    """Choose the date of the decision if there is a label; no model reads such dates if one may be it."""
    labelled = any(guess.role is Role.LABEL for guess in guesses)
    if not labelled and not any(guess.may_be_label for guess in guesses):
        return
    dates = [guess for guess in guesses if _decision_rank(guess)]
    chosen = max(dates, key=lambda guess: (_decision_rank(guess), -guess.values.missing), default=None)
    for guess in dates:
        guess.role = Role.IGNORED
        guess.decision = labelled and guess is chosen
        guess.checks += (
            "the date of the decision is a guess: labels count as decided then, and no model reads it"
            if guess.decision
            else "not a feature, because a date of the decision is not known when the claim arrives",
        )


def _decision_rank(guess: Guess) -> int:
    words = set(guess.plain_words)
    if guess.logical_type not in DATED or guess.role not in (Role.FEATURE, Role.IGNORED) or guess.personal:
        return 0
    if words & _NOT_OF_CLAIM:
        return 0
    return next((len(_DECIDED) - rank for rank, likely in enumerate(_DECIDED) if words & likely), 0)


def _likelihood(guess: Guess, reading: _Reading | None) -> tuple[int, int]:
    """Return how likely a column is the label; of equally likely ones, the one with more labels."""
    if reading is None:
        return 0, 0
    words = _words(guess)
    if (_names_fraud(guess) and not words & (_EARLIER | _DERIVED)) or _names_honest(guess):
        rank = 4 if reading.both else 2
    elif reading.in_words and reading.both and not words & (_EARLIER | _DERIVED):
        rank = 3
    else:
        rank = 1 if reading.both and words and words <= _GENERIC else 0
    return rank, sum(guess.values.counts[value] for value in reading.truth)


def _become_label(guess: Guess, reading: _Reading) -> None:
    values = guess.values
    frauds, honest = reading.of(_Truth.FRAUD), reading.of(_Truth.HONEST)
    undecided = reading.of(_Truth.UNDECIDED)
    without = values.missing + sum(values.counts[value] for value in undecided)
    number = sum(values.counts[value] for value in frauds)
    rows = values.number + values.missing
    meaning = " and ".join(f"'{value}'" for value in sorted(frauds)) or "true"
    checks = [f"the label is a guess: {meaning} means fraud ({number:,} of {rows:,} rows)"]
    if not reading.both:
        checks.append("all claims of the sample have the same label; a model needs frauds and honest claims")
    if not _names_fraud(guess) and not reading.in_words:
        checks.append(
            "its name may mean anything: if it is not the label, write 'role: feature' or 'role: ignored'"
        )
    if without:
        checks.append(f"{without:,} of {rows:,} rows have no label; no outcome is made of them")
    guess.role, guess.logical_type = Role.LABEL, LogicalType.BOOLEAN
    guess.checks += tuple(checks)
    tokens = {cell for cell in guess.cells if _folded(cell) in map(_folded, undecided)}
    guess.values = replace(
        values,
        logical_type=LogicalType.BOOLEAN,
        missing=without,
        own_missing_tokens=tuple(dict.fromkeys((*values.own_missing_tokens, *sorted(tokens)))),
        true_words=_named(frauds, _YES),
        false_words=_named(honest, _NO),
        few=(),
        numbers=(),
        other_reading="",
    )


def _named(values: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Return the words that the contract has to name; case does not matter."""
    named = {value.casefold(): value for value in sorted(values, reverse=True)}
    return tuple(sorted(value for folded, value in named.items() if folded not in known))


def _question(guess: Guess) -> str:
    """Return what a person has to decide about a column whose name mentions fraud."""
    if not _names_fraud(guess):
        return (
            "a value says fraud, so this may contain the outcome: for a label, write 'logicalType: boolean',"
            " 'role: label', trueValues with the values for fraud, falseValues with those for honest, and"
            " missingValues with those that decide nothing; 'role: feature' only if it is known when the"
            " claim arrives"
        )
    if _is_unknown_flag(guess):
        return (
            "may be the label, but which value means fraud is not known: write 'logicalType: boolean', 'role:"
            " label', trueValues with the value for fraud, and falseValues with the other"
        )
    return (
        "the name mentions fraud, so this may be known only after the decision; 'role: feature' only if it is"
        " known when the claim arrives"
    )


def _is_unknown_flag(guess: Guess) -> bool:
    """Return whether a column that mentions fraud has two values, of which either may mean it."""
    return guess.values.distinct == 2 and not _words(guess) & _DERIVED


def _reading(guess: Guess) -> _Reading | None:
    """Return what the values say, or None if they are not those of a label."""
    counts = guess.values.counts
    if not 0 < len(counts) <= _MOST_VALUES or guess.values.dates:
        return None
    reverse = _names_honest(guess)
    said = {value: _in_words(value) for value in counts}
    truth = {value: found or _as_answer(value, reverse=reverse) for value, found in said.items()}
    in_words = any(found is _Truth.FRAUD and _mentions_fraud(value) for value, found in said.items())
    unread = [value for value, found in truth.items() if found is None]
    decided = {_folded(value) for value, found in truth.items() if found is not _Truth.UNDECIDED}
    if len(unread) == 1 and in_words and len(decided) == 2 and _may_be_listed(unread[0], counts):
        truth[unread[0]] = _Truth.HONEST  # Fraud and Settled: what is not the one is the other
        unread = []
    known = {value: found for value, found in truth.items() if found is not None}
    if unread or not {_Truth.FRAUD, _Truth.HONEST} & set(known.values()):
        return None
    return _Reading(known, in_words)


def _says_fraud(guess: Guess) -> bool:
    """Return whether a value says that its claim is a fraud; that it is suspicious is not enough."""
    counts = guess.values.counts
    return len(counts) <= _MOST_VALUES and any(map(_mentions_fraud, counts))


def _mentions_fraud(value: str) -> bool:
    words = _words_in(value)
    return any(part in word for word in words for part in _FRAUD) and not _denies(words)


def _in_words(value: str) -> _Truth | None:
    """Return what a value says if it consists of known words; any other may name somebody."""
    if _folded(value) in _UNDECIDED:
        return _Truth.UNDECIDED
    words = _words_in(value)
    frauds = {word for word in words if any(part in word for part in _FRAUD)}
    if not words or words - frauds - _NOT - _SUSPICIOUS - _HONEST - _BESIDE:
        return None
    if frauds or words & _SUSPICIOUS:
        return _Truth.HONEST if _denies(words) else _Truth.FRAUD
    if words & _HONEST:
        return _Truth.FRAUD if _denies(words) else _Truth.HONEST
    return None


def _words_in(value: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", _folded(value)))


def _denies(words: set[str]) -> bool:
    return bool(words & _NOT) or any(map(_NEGATED.match, words))


def _as_answer(value: str, *, reverse: bool) -> _Truth | None:
    """Return what yes, no, 1 or 0 say; ``reverse`` if the question is whether the claim is honest."""
    text = value.casefold()
    yes = text in _YES | TRUE_ELSEWHERE
    if not yes and text not in _NO | FALSE_ELSEWHERE:
        return None
    return _Truth.FRAUD if yes != reverse else _Truth.HONEST


def _may_be_listed(value: str, counts: Counter[str]) -> bool:
    """Return whether a draft may show the value: it names a kind of thing, in several rows."""
    return counts[value] > 4 and is_listable(value, frozenset())


def _words(guess: Guess) -> set[str]:
    return set(guess.plain_words) - _FILLERS


def _names_fraud(guess: Guess) -> bool:
    return any(part in word for word in guess.plain_words for part in _FRAUD)


def _names_honest(guess: Guess) -> bool:
    """Return whether the name asks whether a claim is honest: is_legit, not_fraud."""
    words = _words(guess)
    if _names_fraud(guess):
        return _denies(words)
    return bool(words) and words <= {"legit", "legitimate", "genuine", "honest", "islegit", "isgenuine"}


def _folded(value: str) -> str:
    plain = "".join(letter for letter in normalize("NFKD", value.casefold()) if not combining(letter))
    return " ".join(plain.split())
