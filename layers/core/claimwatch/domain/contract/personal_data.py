"""Personal data and protected attributes: which columns of a draft contain them, by name and by values."""

import re
from unicodedata import combining, normalize

from claimwatch.domain.contract.contract import UNANSWERED, LogicalType, Role
from claimwatch.domain.contract.draft_column import Guess

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
_NUMBER_OF_PERSON = 7
"""Average digits from which integers that differ in most rows may be numbers of persons."""


def classification(guess: Guess) -> str:
    """Return the classification, or a question if values may name persons although the name does not."""
    if guess.personal:
        return "personal"
    return UNANSWERED if guess.role is not Role.IDENTIFIER and _may_name_persons(guess) else "internal"


def mark_person(guess: Guess) -> bool:
    """Give a column of personal data or a protected attribute its role; return whether it is either."""
    if _is_personal(guess):
        guess.role, guess.personal = Role.IGNORED, True
        guess.checks += (
            "personal, judging by its name or values: stored as a hash; 'storeAs: plain' keeps it readable",
        )
    elif _is_protected(guess):
        guess.role = Role.PROTECTED
        guess.checks += (
            "protected, judging by its name: never a feature; scores are compared between its groups",
        )
    else:
        return False
    return True


def _is_personal(guess: Guess) -> bool:
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


def _is_protected(guess: Guess) -> bool:
    """Return whether a column is a protected attribute of a person."""
    words = set(guess.words)
    return bool(words & _PROTECTED and not words & _NOT_PEOPLE)


def _without_accents(word: str) -> str:
    return "".join(
        each for each in normalize("NFKD", word.casefold().translate(_LETTERS)) if not combining(each)
    )


def _may_name_persons(guess: Guess) -> bool:
    """Return whether a column has texts, or integers that are long and differ like numbers of persons."""
    values = guess.values
    if guess.logical_type is LogicalType.STRING:
        return True
    long = values.average_length >= _NUMBER_OF_PERSON and values.distinct > values.number / 2
    return guess.logical_type is LogicalType.INTEGER and long
