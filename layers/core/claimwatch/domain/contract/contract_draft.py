"""Drafts of contracts, from the header and some rows of a line's first file.

Everything that a person must review has a comment that begins with ``check:``. Whether a column of text names
persons is not guessed: unless its name says so, its classification is a question, and ``parse_contract``
refuses the draft until a person has answered it. The same sample always gives the same text.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from unicodedata import combining, normalize

from claimwatch.domain.contract.contract import (
    MAX_NAME,
    RESERVED,
    UNANSWERED,
    LogicalType,
    Role,
    folded_name,
)
from claimwatch.domain.contract.type_inference import MISSING, Values, infer_type, is_value

_NUMERIC = (LogicalType.INTEGER, LogicalType.NUMBER)
_DATED = (LogicalType.DATE, LogicalType.TIMESTAMP)

# -- Words in column names -----------------------------------------------------------------------------------

_NUMBERED = {
    "id",
    "identifier",
    "number",
    "no",
    "nr",
    "num",
    "nbr",
    "ref",
    "reference",
    "key",
    "uuid",
    "guid",
}
_CODES = {"zip", "postcode", "postal", "code", "phone", "mobile", "fax", "vin", "iban", "ssn", "plate"}
_CLAIM = {"claim", "claims", "loss", "case", "notification", "fnol"}
_EVENTS = (
    {"incident", "loss", "accident", "occurrence", "event"},
    {"claim", "claims"},
    {"reported", "report"},
)
_NOT_EVENTS = {"birth", "dob", "policy", "bind", "start", "end", "expiry", "effective", "renewal", "purchase"}
_PERSONAL = {
    *("surname", "firstname", "lastname", "forename", "email", "mail", "phone", "telephone", "tel", "mobile"),
    *("fax", "address", "street", "location", "birth", "birthdate", "birthday", "dob", "ssn", "passport"),
    *("licence", "license", "plate", "registration", "vin", "iban", "account", "card", "tax", "taxno"),
    *("taxid", "tin", "zip", "postcode", "postal", "username", "nickname"),
    # German
    *("anschrift", "adresse", "strasse", "str", "hausnummer", "plz", "postleitzahl", "wohnort", "telefon"),
    *("handy", "mobil", "rufnummer", "gebdatum", "geb", "kennzeichen", "kontonummer", "kontoinhaber"),
    *("bankverbindung", "ausweis", "reisepass", "fuhrerschein", "fuehrerschein", "steuernummer", "steuerid"),
    *("sozialversicherungsnummer", "svnr"),
    # French
    *("prenom", "prenoms", "rue", "portable", "courriel", "naissance", "immatriculation", "plaque", "permis"),
    # Spanish and Portuguese
    *("apellido", "apellidos", "direccion", "calle", "movil", "correo", "nacimiento", "matricula", "dni"),
    *("nif", "nie", "curp", "cedula", "pasaporte", "sobrenome", "apelido", "morada", "endereco", "telemovel"),
    *("celular", "nascimento", "cpf"),
    # Italian
    *("cognome", "indirizzo", "cellulare", "fiscale", "nascita", "targa", "patente"),
    # Dutch, Nordic, Polish
    *("adres", "straat", "kenteken", "bsn", "rijbewijs", "personnummer", "fodselsdato", "fodelsedatum"),
    *("nazwisko", "ulica", "pesel", "urodzenia"),
}
"""Words that mean personal data in any column name; accents are removed."""

_PERSONAL_STEMS = (
    *(
        "telefon",
        "telephon",
        "phone",
        "handynummer",
        "mobilnummer",
        "geburts",
        "geboorte",
        "birth",
        "address",
    ),
    *("adress", "email", "strassen", "passport", "codicefiscal", "fodsel"),
)
"""Beginnings of such words: many languages write several words as one."""

_NAME_ENDINGS = ("name", "naam", "navn", "namn")
"""Ends of such words, unless what is named is an object."""

_LETTERS = str.maketrans({"ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d"})
"""Letters that Unicode does not decompose into a letter and an accent."""

_NAMES = {"name", "names", "nom", "noms", "nome", "nombre", "naam", "navn", "namn", "imie", "nazwa"}
"""Words for names, which are personal unless they name an object or the values are numbers."""

_PEOPLE = {
    *("insured", "holder", "policyholder", "claimant", "driver", "owner", "witness", "customer", "client"),
    *("person", "contact", "beneficiary", "payee", "applicant", "adjuster", "doctor", "lawyer", "spouse"),
    *("versicherter", "versicherte", "versicherungsnehmer", "halter", "fahrer", "zeuge", "kunde", "inhaber"),
    *("geschadigter", "assure", "souscripteur", "conducteur", "temoin", "titulaire", "tomador", "asegurado"),
    *("titular", "conductor", "testigo", "cliente", "segurado", "condutor", "assicurato", "contraente"),
    *("conducente", "testimone", "verzekerde", "bestuurder", "getuige", "forsikringstaker"),
}
"""Words for persons: a column of text that is named like a person contains names."""

_NAMED_OBJECTS = {
    "product",
    "company",
    "branch",
    "file",
    "vehicle",
    "model",
    "make",
    "auto",
    "car",
    "agency",
    "bank",
    "city",
    "state",
    "country",
    "region",
    "column",
    "produkt",
    "produit",
    "producto",
    "prodotto",
    "modell",
    "modele",
    "modelo",
    "fahrzeug",
    "firma",
    "filiale",
}
_PROTECTED = {
    "sex", "gender", "age", "race", "ethnicity", "ethnic", "religion", "marital", "married", "nationality",
    "citizenship", "disability", "disabled", "orientation",
}  # fmt: skip
_NOT_PEOPLE = {"vehicle", "auto", "car", "policy", "property", "building", "house", "home", "account"}
_LABELS = {"fraud", "fraudulent"}
_MONEY = {
    "amount", "premium", "price", "cost", "value", "sum", "paid", "reserve", "salary", "income", "limit",
    "deductible", "deductable", "gain", "gains", "loss", "claim",
}  # fmt: skip

_YAML_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_YAML_KEYWORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_ESCAPED = re.compile("[\x7f-\xa0\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_NAME_PART = re.compile(r"[^\w.-]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_WIDTH = 100
_ENUMERATION_SAMPLE = 20
"""Minimum number of values for proposing an enumeration."""

_CODE = re.compile(r"[a-z0-9_./+-]{1,16}|[A-Z0-9_./+-]{1,16}|[A-Z]{1,3}[a-z]?")
"""Values that an enumeration may list: codes. Capitalised words and several words may be names."""

_CODE_ROWS = 5
"""Minimum number of rows of each value of a proposed enumeration: a rarer one may be a person's."""

_NUMBER_OF_PERSON = 7
"""Average digits from which integers that differ in most rows may be numbers of persons."""


@dataclass
class _Guess:
    """A column of the draft."""

    header: str
    name: str
    words: tuple[str, ...]
    values: Values
    logical_type: LogicalType
    role: Role = Role.FEATURE
    personal: bool = False
    plain: bool = False
    checks: tuple[str, ...] = ()

    @property
    def classification(self) -> str:
        """The classification, or a question if the values may name persons although the name does not."""
        if self.personal:
            return "personal"
        return UNANSWERED if self.role is not Role.IDENTIFIER and _may_name_persons(self) else "internal"

    @property
    def unique(self) -> bool:
        """Whether no value is missing or duplicated."""
        return self.values.missing == 0 and self.values.distinct == self.values.number > 0


def draft_contract(line: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return the draft as YAML, from the header and some rows, each as long as the header.

    Columns without a name or without any value are left out; their values go to ``extra`` of each claim.
    """
    names = tuple(header)
    rows = [row for row in rows if tuple(row) != names]
    headless = _is_row_of_values(names)
    if headless:
        # The first row is one of the claims: its values must not become names of columns.
        rows, header = [names, *rows], [f"column_{place}" for place in range(1, len(names) + 1)]
    guesses, left_out = _guess_columns(header, rows)
    _assign_roles(guesses)
    return "\n".join(_draft_lines(line, guesses, left_out, len(rows), headless=headless)) + "\n"


# -- Columns -------------------------------------------------------------------------------------------------


def _guess_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[_Guess], list[str]]:
    columns = [[row[place] if place < len(row) else "" for row in rows] for place in range(len(header))]
    values = [infer_type(cells) for cells in columns]
    if any(found.decimal_separator == "," and not found.other_reading for found in values):
        # One column that can only be read with decimal commas decides for the ambiguous columns.
        values = [infer_type(cells, decimal_comma=True) for cells in columns]
    shared = Counter(folded_name(_one_line(name)) for name in header)
    nothing_seen = not any(found.number for found in values)
    guesses: list[_Guess] = []
    left_out: list[str] = []
    taken: set[str] = set()
    for place, (header_name, found) in enumerate(zip(header, values, strict=True), 1):
        title = _one_line(header_name)
        if not title:
            left_out.append(f"column {place}: it has no name")
        elif shared[folded_name(title)] > 1:
            left_out.append(f"column {place}, '{title}': another column has this name; make names unique")
        elif not found.number and not nothing_seen:
            left_out.append(f"'{title}': it is empty in every row of the sample")
        else:
            name = _column_name(title, taken)
            taken |= {folded_name(title), folded_name(name)}
            guesses.append(_guess(title, name, found))
    return guesses, left_out


def _is_row_of_values(header: Sequence[str]) -> bool:
    """Return whether a header is a claim: it has a date, an address or a number, and no name of an id."""
    names = [_words(cell) for cell in header]
    certain = any(len(words) > 1 and words[-1] in _NUMBERED | {"date"} for words in names)
    return not certain and any(map(is_value, header))


def _words(title: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])|\d+", title))


def _one_line(text: str) -> str:
    """Return a text on one line, without control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _column_name(title: str, taken: set[str]) -> str:
    name = title
    if not re.fullmatch(r"[^\W\d][\w .-]*", title) or len(title.encode()) > MAX_NAME:
        name = _NAME_PART.sub("_", title).strip("_.-")
        name = name if re.match(r"[^\W\d]", name) else f"c_{name}".rstrip("_")
        name = name.encode()[: MAX_NAME - 4].decode("utf-8", "ignore")
    if name.casefold() in RESERVED:
        name = f"source_{name}"
    base, number = name, 2
    while folded_name(name) in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def _guess(title: str, name: str, values: Values) -> _Guess:
    words = _words(title)
    kind = values.logical_type
    if (
        kind is LogicalType.DATE
        and values.date_format == "%Y%m%d"
        and not {"date", "day", "dob"} & set(words)
    ):
        kind, values = LogicalType.INTEGER, replace(values, date_format="")
    if kind in _NUMERIC and words and words[-1] in _NUMBERED | _CODES:
        kind = LogicalType.STRING  # nobody calculates with it, and a value may begin with a zero
    if kind is LogicalType.INTEGER and len(words) > 1 and words[-1] in _MONEY:
        kind = LogicalType.NUMBER
    return _Guess(title, name, words, values, kind)


# -- Roles ---------------------------------------------------------------------------------------------------


def _assign_roles(guesses: list[_Guess]) -> None:
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


def _assign_role(guess: _Guess) -> None:
    words, values = set(guess.words), guess.values
    typed = guess.logical_type is not LogicalType.STRING
    if words & _LABELS or any("fraud" in word for word in guess.words):
        guess.role = Role.LABEL
        guess.checks += ("the label is a guess; models are trained to predict it",)
    elif _is_personal(guess):
        guess.role, guess.personal = Role.IGNORED, True
        guess.checks += (
            "personal, judging by its name or values: stored as a hash; 'storeAs: plain' keeps it readable",
        )
    elif words & _PROTECTED and not words & _NOT_PEOPLE:
        guess.role = Role.PROTECTED
        guess.checks += (
            "protected, judging by its name: never a feature; scores are compared between its groups",
        )
    elif not typed and values.average_length > 40 and values.distinct > values.number / 2:
        guess.role, guess.personal, guess.plain = Role.TEXT, True, True
        guess.checks += ("long texts, which may name people; stored as plain text so that they can be read",)
    elif not typed and (not guess.words or guess.words[-1] in _NUMBERED or _has_many_values(values)):
        guess.role = Role.IGNORED


def _is_personal(guess: _Guess) -> bool:
    plain = [_without_accents(word) for word in guess.words]
    words, text = set(plain), guess.logical_type is LogicalType.STRING
    if words & _PERSONAL or any(word.startswith(_PERSONAL_STEMS) for word in plain):
        return True
    if text and not words & _NAMED_OBJECTS:
        named = any(word.endswith(_NAME_ENDINGS) and word[:-4] not in _NAMED_OBJECTS for word in plain)
        if named or words & _NAMES or (plain and plain[-1] in _PEOPLE):
            return True
    addresses = sum(
        count for value, count in guess.values.counts.items() if re.fullmatch(r"[^@\s]+@[^@\s]+", value)
    )
    return addresses > guess.values.number / 2


def _without_accents(word: str) -> str:
    return "".join(
        each for each in normalize("NFKD", word.casefold().translate(_LETTERS)) if not combining(each)
    )


def _may_name_persons(guess: _Guess) -> bool:
    """Return whether a column has texts, or integers that are long and differ like numbers of persons."""
    values = guess.values
    if guess.logical_type is LogicalType.STRING:
        return True
    long = values.average_length >= _NUMBER_OF_PERSON and values.distinct > values.number / 2
    return guess.logical_type is LogicalType.INTEGER and long


def _has_many_values(values: Values) -> bool:
    return values.distinct > 100 and values.distinct > values.number / 2


def _identifier_score(guess: _Guess) -> int:
    words = set(guess.words)
    values = guess.values
    if guess.role in (Role.LABEL, Role.PROTECTED, Role.TEXT) or guess.logical_type in (
        LogicalType.BOOLEAN,
        LogicalType.NUMBER,
        *_DATED,
    ):
        return 0
    numbered = bool(guess.words) and (guess.words[-1] in _NUMBERED or guess.words == ("claim",))
    if not numbered or values.missing or (guess.personal and not words & _CLAIM):
        return 0
    if words & _CLAIM:
        return 3 if values.distinct >= 0.9 * values.number else 0
    if guess.unique:
        return 2 if len(words) == 1 else 1
    return 0


def _event_time_score(guess: _Guess) -> int:
    words = set(guess.words)
    if guess.logical_type not in _DATED or words & _NOT_EVENTS:
        return 0
    return next((4 - rank for rank, likely in enumerate(_EVENTS) if words & likely), 1)


# -- YAML --------------------------------------------------------------------------------------------------


def _draft_lines(
    line: str, guesses: list[_Guess], left_out: list[str], rows: int, *, headless: bool
) -> Iterator[str]:
    sample = f"{rows:,} {'row' if rows == 1 else 'rows'}"
    yield f"# Draft of the contract of line {line}, from {sample} of its first file."
    yield "# Review each line with 'check:', correct it if needed, and store the file as"
    yield f"# contracts/{line}.yaml. This draft is replaced when another file of the line arrives."
    yield "# Required columns were never empty in the sample. Rows that break a rule are quarantined."
    if any(guess.classification == UNANSWERED for guess in guesses):
        yield f"# Replace each '{UNANSWERED}': personal (only hashes are stored), internal or public."
    if headless:
        yield "# check: the first row looks like a claim, so the file has no header. Claimwatch needs one:"
        yield "#   add a first row with the names of the columns, and rename the columns here."
    if not any(guess.role is Role.IDENTIFIER for guess in guesses):
        yield "# check: no column looks like the claim id. Give one column required: true, unique: true"
        yield "#   and role identifier; until then this is not a valid contract."
    if not any(guess.role is Role.EVENT_TIME for guess in guesses):
        yield "# check: no column looks like the time of the claim; give a date column role event_time."
    yield "apiVersion: v3.1.0"
    yield "kind: DataContract"
    yield f"id: claimwatch-{line}"
    yield f"name: {_scalar(line.replace('_', ' ').capitalize() + ' claims')}"
    yield "version: 1.0.0"
    yield "status: draft"
    yield "domain: claims"
    yield "description:"
    yield f"  purpose: {_scalar(f'Claims of line {line}, one row per claim.')}"
    yield ""
    yield "customProperties:"
    yield f"  - {{property: line, value: {_scalar(line)}}}"
    tokens = [token for token in MISSING if any(token in guess.values.missing_tokens for guess in guesses)]
    if tokens:
        yield "  # check: these cells are read as missing in every column; remove real values"
        yield f"  - {{property: missingValues, value: {_flow(tokens)}}}"
    yield ""
    yield "schema:"
    yield f"  - name: claim_{line}"
    yield "    physicalType: table"
    yield "    description: One claim."
    if left_out:
        yield "    # check: left out; the values are kept as hashes with each claim, in the column 'extra':"
        yield from (f"    #   {reason}" for reason in left_out)
    yield "    properties:"
    for guess in guesses:
        yield ""
        yield from _column(guess)


def _column(guess: _Guess) -> Iterator[str]:
    values = guess.values
    required = values.missing == 0 and values.number > 0
    yield f"      - name: {_scalar(guess.name)}"
    yield f"        logicalType: {guess.logical_type}"
    if guess.role is Role.IDENTIFIER:
        required = True
        yield "        required: true"
        yield "        unique: true"
    else:
        yield f"        required: {str(required).lower()}"
    question = " # check: may a value name a person?" if guess.classification == UNANSWERED else ""
    yield f"        classification: {guess.classification}{question}"
    yield from (f"        # check: {check}" for check in guess.checks)
    if guess.name != guess.header:
        yield f"        synonyms: [{{synonym: {_quoted(guess.header)}}}]"
    if guess.role is not Role.IDENTIFIER and not guess.personal:
        yield from _rules(guess)
    yield from _properties(guess)


def _rules(guess: _Guess) -> Iterator[str]:
    values = guess.values
    if values.other_reading:
        yield f"        # check: {_one_line(values.other_reading)}"
    if guess.logical_type in _NUMERIC and values.least is not None and values.most is not None:
        seen = f"seen from {values.least:f} to {values.most:f}"
        if values.least == 0 and values.most == 1:
            yield "        # check: only 0 and 1 occur; it may be a boolean"
        if not values.negative:
            yield f"        logicalTypeOptions: {{minimum: 0}} # check: {seen}"
        elif values.negative <= values.number / 20:
            share = f"{values.negative} of {values.number}"
            yield f"        # check: {seen}; {share} are negative, which this would reject:"
            yield "        # logicalTypeOptions: {minimum: 0}"
        else:
            yield f"        # check: {seen}"
    listable = len(values.few) > 1 and all(
        _CODE.fullmatch(value) and not is_value(value) and values.counts[value] >= _CODE_ROWS
        for value in values.few
    )
    if listable and values.number >= _ENUMERATION_SAMPLE and guess.logical_type is LogicalType.STRING:
        yield "        quality: # check: only the values of the sample are valid"
        yield "          - type: library"
        yield "            metric: invalidValues"
        yield from _wrapped(
            "            arguments: {validValues: [", [_scalar(value) for value in values.few], "]}"
        )
        yield "            mustBe: 0"


def _properties(guess: _Guess) -> Iterator[str]:
    values = guess.values
    properties = [f"{{property: role, value: {guess.role}}}"]
    if guess.plain:
        properties.append("{property: storeAs, value: plain}")
    if guess.logical_type in _DATED and values.date_format:
        properties.append(f"{{property: dateFormat, value: {_quoted(values.date_format)}}}")
    if guess.logical_type in _NUMERIC:
        if values.decimal_separator != "." and (
            guess.logical_type is LogicalType.NUMBER or values.thousands_separator == "."
        ):
            properties.append(f"{{property: decimalSeparator, value: {_quoted(values.decimal_separator)}}}")
        if values.thousands_separator:
            properties.append(
                f"{{property: thousandsSeparator, value: {_quoted(values.thousands_separator)}}}"
            )
    if values.own_missing_tokens and guess.logical_type is not LogicalType.STRING:
        properties.append(f"{{property: missingValues, value: {_flow(values.own_missing_tokens)}}}")
    if len(properties) == 1:
        yield f"        customProperties: [{properties[0]}]"
        return
    yield "        customProperties:"
    yield from (f"          - {entry}" for entry in properties)


def _wrapped(start: str, items: Sequence[str], end: str) -> Iterator[str]:
    """Yield a flow sequence, wrapped to several lines if needed."""
    line = start
    for number, item in enumerate(items):
        part = item + (", " if number + 1 < len(items) else end)
        if len(line) + len(part.rstrip()) > _WIDTH and line.strip():
            yield line.rstrip()
            line = " " * (len(start) - len(start.lstrip()) + 2)
        line += part
    yield line.rstrip()


def _flow(items: Sequence[str]) -> str:
    return "[" + ", ".join(map(_quoted, items)) + "]"


def _scalar(text: str) -> str:
    """Return a text as YAML, unquoted if every YAML parser reads it as this text."""
    if _YAML_WORD.fullmatch(text) and text.lower() not in _YAML_KEYWORDS:
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
