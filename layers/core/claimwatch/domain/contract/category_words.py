"""Words that name kinds of things, never persons: a draft may list them as the valid values of a column."""

import re
from collections.abc import Container

from claimwatch.domain.contract.header_words import Meaning, folded

_LISTED = """
    yes no y n true false t f on off none other others unknown missing not any all some both new old used
    na nil other various misc general special standard basic premium plus extended comprehensive full partial
    low medium high minor major trivial moderate severe severity total critical fatal serious slight
    open closed pending paid unpaid rejected accepted approved declined denied settled reopened cancelled
    active inactive suspended withdrawn expired valid invalid complete incomplete final draft
    internal external company agent broker branch bank office online internet web app phone mail email letter
    fax call center centre direct portal paper post channel walk
    male female man woman diverse single married divorced widowed separated unmarried partnership husband
    wife own child relative in family spouse parent self
    petrol diesel gasoline gas electric hybrid plug lpg cng hydrogen ethanol fuel unleaded
    manual automatic auto semi cvt gearbox
    car cars van truck lorry bus motorcycle motorbike bike bicycle scooter trailer caravan vehicle vehicles
    suv sedan saloon coupe cabrio convertible hatchback estate wagon pickup minivan sport utility sports
    private commercial business leisure commute commuting taxi rental lease leased owned financed rented
    collision collisions crash theft stolen robbery burglary vandalism fire flood storm hail water wind
    lightning explosion glass windscreen windshield breakage animal parking parked accident incident damage
    loss injury bodily property liability third party multi front rear side left right top roof bumper door
    hood trunk wheel tyre interior exterior body engine
    police ambulance hospital witness report reported street road highway motorway city town rural urban
    suburban village country motorway junction crossing roundabout intersection lot garage home work
    house apartment flat building detached terraced villa farm contents household pipe leak burst
    dry wet snow ice icy fog rain rainy sunny cloudy clear night day daylight dark dusk dawn
    january february march april may june july august september october november december
    jan feb mar apr jun jul aug sep oct nov dec monday tuesday wednesday thursday friday saturday sunday
    mon tue wed thu fri sat sun spring summer autumn fall winter morning afternoon evening
    north south east west central northeast northwest southeast southwest
    red green blue white black silver grey gray yellow orange brown beige gold purple pink
    monthly quarterly yearly annual annually weekly daily single payment card transfer cash cheque invoice
    under over between from to and or of by with without per more less than up year years month months days
    euro eur usd gbp chf kg km first second third
    ja nein keine kein sonstige sonstiges unbekannt offen geschlossen bezahlt abgelehnt reguliert storniert
    mannlich weiblich divers ledig verheiratet geschieden verwitwet getrennt benzin elektro erdgas
    autogas schaltung automatik pkw lkw motorrad anhanger unfall auffahrunfall diebstahl einbruch brand
    feuer hagel sturm leitungswasser uberschwemmung blitz glas glasbruch wild wildschaden vandalismus
    haftpflicht kasko teilkasko vollkasko hausrat gebaude sachschaden personenschaden totalschaden gering
    mittel hoch leicht schwer vorne hinten links rechts seite stadt land autobahn landstrasse nord sud ost
    werkstatt makler polizei montag dienstag mittwoch donnerstag freitag samstag sonntag
    oui non aucun aucune autre autres inconnu ouvert ferme paye refuse regle homme femme celibataire marie
    divorce veuf veuve pacse essence gazole electrique hybride manuelle automatique voiture moto camion
    utilitaire vol incendie degat eaux degats grele tempete bris accident collision vandalisme
    responsabilite civile materiel corporel leger grave avant arriere gauche droite cote ville campagne
    autoroute
    si otro otros ninguno ninguna desconocido abierto cerrado pagado rechazado hombre mujer soltero casado
    divorciado viudo gasolina gasoleo electrico hibrido coche camion furgoneta robo incendio agua granizo
    tormenta colision cristales vandalismo danos materiales personales leve graves delantero trasero
    izquierda derecha ciudad carretera autopista
    altro altri nessuno nessuna sconosciuto aperto chiuso pagato respinto uomo donna maschio femmina celibe
    nubile coniugato sposato divorziato vedovo benzina gasolio elettrico ibrida manuale automatico furto
    incendio acqua grandine tempesta collisione cristalli vandalismo lieve grave anteriore posteriore
    sinistra destra citta strada autostrada
    nee anders geen overig onbekend open gesloten betaald afgewezen vrouw ongehuwd gehuwd gescheiden
    weduwe weduwnaar elektrisch hybride handgeschakeld automaat auto vrachtwagen bestelwagen motorfiets
    diefstal inbraak brand hagel aanrijding ruit ruitschade letsel licht zwaar voor achter links rechts stad
    snelweg
    unit test sample record group class type kind category level zone sector region state
"""

CATEGORY_WORDS = frozenset(map(folded, _LISTED.split()))

_CODE = re.compile(
    r"[A-Z]{1,2}|[A-Z]?\d{1,4}[A-Z]?|\d{1,4}[-/+.]\d{1,4}|(?=.*\d)[A-Z0-9_.+-]{1,4}", re.ASCII | re.IGNORECASE
)
"""Codes that are too short to name a person."""


def is_category(value: str) -> bool:
    """Return whether a value consists of words for kinds of things, or is a short code."""
    if _CODE.fullmatch(value):
        return True
    words = re.findall(r"[^\W_]+", folded(value))
    return bool(words) and all(word in CATEGORY_WORDS or (word.isdigit() and len(word) < 4) for word in words)


def is_listable(value: str, header: Container[Meaning]) -> bool:
    """Return whether a draft may contain a value, given the meanings of the name of its column.

    Two letters may be the initials of a person, except in a column that is called like a category.
    """
    initials = value.isalpha() and len(value) == 2 and folded(value) not in CATEGORY_WORDS
    return is_category(value) and (not initials or Meaning.CATEGORY in header)


def contains_category(value: str) -> bool:
    """Return whether a value contains a word for a kind of thing."""
    return any(word in CATEGORY_WORDS and len(word) > 2 for word in re.findall(r"[^\W_]+", folded(value)))
