"""Names and texts of the motor book, all within Latin-1; people, places and addresses are invented."""

from unicodedata import normalize

SEXES = ("female", "male", "other")
AGE_BANDS = ("under_25", "25_to_39", "40_to_59", "60_and_over")
REGIONS = ("north", "east", "south", "west", "capital", "islands")
INCIDENT_REGIONS = (*REGIONS, "abroad")
POLICY_TYPES = ("comprehensive", "third_party_fire_theft", "third_party")
CHANNELS = ("broker", "online", "phone", "dealer")
MAKES = (
    "audi", "bmw", "citroen", "dacia", "fiat", "ford", "hyundai", "kia", "mercedes", "nissan", "opel",
    "peugeot", "renault", "seat", "skoda", "tesla", "toyota", "volkswagen", "volvo", "other",
)  # fmt: skip
BODIES = ("hatchback", "saloon", "estate", "suv", "van", "convertible", "pickup")
FUELS = ("petrol", "diesel", "hybrid", "electric")
INCIDENTS = ("collision", "single_vehicle", "theft", "fire", "vandalism", "glass", "weather", "animal")
SEVERITIES = ("trivial", "minor", "major", "total_loss")
FLAGS = ("false", "true")
SOURCES = ("referral", "random_audit")

FEMALE_NAMES = (
    "Adèle", "Agnes", "Aino", "Amélie", "Ana", "Astrid", "Beatriz", "Björk", "Carla", "Chloé", "Clara",
    "Daniela", "Elena", "Emma", "Éva", "Farah", "Freya", "Grace", "Hanna", "Inês", "Ingrid", "Julia",
    "Katrin", "Lena", "Léa", "Lucía", "Maeve", "Maja", "Maria", "Marta", "Mirjam", "Nadia", "Noor", "Olga",
    "Priya", "Rosa", "Sofía", "Tess", "Ursula", "Yasmin",
)  # fmt: skip
MALE_NAMES = (
    "Adam", "Ahmed", "André", "Anton", "Bjørn", "Carlos", "Daniel", "David", "Emil", "Felix", "François",
    "Georg", "Hugo", "Ivan", "Jakob", "Jan", "João", "José", "Karl", "Kofi", "Lars", "Leo", "Liam", "Luca",
    "Marek", "Mats", "Miguel", "Nils", "Noah", "Oscar", "Omar", "Paul", "Peter", "Rafael", "René", "Samuel",
    "Søren", "Tomas", "Viktor", "Yusuf",
)  # fmt: skip
FIRST_NAMES = FEMALE_NAMES + MALE_NAMES
LAST_NAMES = (
    "Almeida", "Andersson", "Bakker", "Bauer", "Becker", "Bergström", "Bianchi", "Blanc", "Castro", "Costa",
    "Dahl", "de Vries", "Díaz", "Dubois", "Eriksen", "Fernández", "Fischer", "Fontaine", "García", "Gruber",
    "Haddad", "Hansen", "Hoffmann", "Iversen", "Janssen", "Jørgensen", "Keller", "Khan", "Kowalski",
    "Kraus", "Laine", "Lambert", "Larsen", "Leroy", "López", "Maier", "Marino", "Martin", "Mensah", "Meyer",
    "Moreau", "Müller", "Murphy", "Nagy", "Nielsen", "Novak", "Núñez", "Okafor", "O'Brien", "Olsen",
    "Pereira", "Petrov", "Popescu", "Ricci", "Romano", "Rossi", "Schäfer", "Schmidt", "Silva", "Singh",
    "Sørensen", "Strauß", "Svensson", "Tanaka", "Toth", "Usman", "van Dijk", "Vidal", "Wagner", "Weiß",
)  # fmt: skip
STREETS = (
    "Mill Lane", "Station Road", "Harbour Street", "Church Square", "Linden Avenue", "Quay West",
    "Market Place", "Old Bridge Road", "Rue du Château", "Schloßallee", "Calle Mayor", "Via Nuova",
    "Ringstraße", "Orchard Way", "Bakery Row", "School Street", "Kirkegade", "Avenue de la Gare",
    "Tannery Walk", "Vineyard Hill", "Ferry Road", "Plaza Nueva", "Castle Street", "Canal Side", "Mühlweg",
    "Observatory Drive", "Airport Road", "Forest Edge", "Sandy Cove", "Chestnut Close", "Poplar Court",
    "Ring Road North", "Ring Road South", "Fjordvej", "Rua da Praia", "Stadium Way", "Hospital Lane",
    "Weaver Street", "Lighthouse Road", "Gasworks Lane",
)  # fmt: skip
TOWNS_BY_REGION = (
    ("Northford", "Kaltenau", "Birkholm", "Saint-Rémy", "Upper Fell", "Hammerby"),
    ("Eastmere", "Grünwalde", "Port Lasar", "Vieux-Pont", "Oderhaven", "Marsh End"),
    ("Southaven", "Villa Clara", "Montsec", "Bad Sulzen", "Olive Bay", "Rocaverde"),
    ("Westbrook", "Pont-Croix", "Aldermouth", "Sankt Jürgen", "Cliffs End", "Monteverde"),
    ("Capital City", "Capital Docks", "Capital Heights", "Old Town", "Königsplatz", "New Quarter"),
    ("Isle of Ternay", "Puerto Chico", "Seal Harbour", "Sandø", "Three Anchors", "Île-aux-Vents"),
    ("Elsewhere", "Ferryport", "Borderton", "Grenzach", "Ville-Frontière", "Far Haven"),
)
TOWNS = tuple(town for towns in TOWNS_BY_REGION for town in towns)

# The description of a claim consists of an opening (by incident), a circumstance and an ending. Between them,
# "\v" becomes a line break or a space, depending on the shape of the file.
OPENINGS_BY_INCIDENT = (
    (
        "I was waiting at the lights when a car hit me from behind.",
        "We collided at the roundabout, slowly.",
        "The other driver changed lanes into my door.",
        'He said "I did not see you" and gave me his number.',
    ),
    (
        "I lost control on a bend and hit the barrier.",
        "The car slid off the road into a ditch.",
        "I reversed into a wall, a low one.",
        "A tyre burst and I struck a lamp post.",
    ),
    (
        "The car was gone in the morning; both keys are with me.",
        "It was taken from the car park, nothing was left.",
        "Stolen from the street, no glass on the ground.",
        "The vehicle vanished from the garage of the hotel.",
    ),
    (
        "Smoke came from the bonnet, then flames.",
        "The car burnt out overnight where it was parked.",
        "A fire began behind the dashboard.",
        "The van caught fire while it was charging.",
    ),
    (
        "Somebody scratched both sides with a key.",
        "The mirrors were kicked off.",
        'The roof was dented, and the word "paid" painted on it.',
        "All four tyres were cut.",
    ),
    (
        "A stone cracked the windscreen.",
        "The rear window shattered.",
        "The windscreen has a chip that grows.",
        "A side window was broken, nothing was taken.",
    ),
    (
        "Hail left dents all over, roof and bonnet.",
        "A branch fell on the roof in the storm.",
        "Water stood up to the seats in the underpass.",
        "The wind tore the door out of my hand.",
    ),
    (
        "A deer ran into the side of the car.",
        "I braked for a dog, too late.",
        "A boar crossed the road at night.",
        "Martens have eaten the cables, again.",
    ),
)
OPENINGS = tuple(opening for openings in OPENINGS_BY_INCIDENT for opening in openings)
CIRCUMSTANCES = (
    "It was raining.", "The sun was low, in my eyes.", "Nobody else was there.", "My neighbour heard it.",
    "I took photos, they are attached.", "The road was icy; I drove slowly.", "We exchanged details.",
    "There is a camera on the corner.", "My sister was with me.", "I had parked there for two days.",
    "The other party left.", "It happened on the way to work.",
)  # fmt: skip
ENDINGS = (
    "Please call me in the evening.", "The car still drives.",
    "It stands at the garage, they wait for you.", "I need a replacement car soon.",
    "My neck hurts since then.", "I have the receipt: paid in cash.", "That is all I know.",
    "The tow cost 180, I paid it.", "I would like to be paid quickly.", "Thank you, regards.",
)  # fmt: skip


def in_ascii(word: str) -> str:
    """Return the word as used in an e-mail address: ASCII lower-case letters only."""
    spelled = word.lower().replace("ø", "o").replace("ß", "ss")
    return "".join(letter for letter in normalize("NFKD", spelled) if letter.isascii() and letter.isalpha())


FIRST_MAILBOXES = tuple(map(in_ascii, FIRST_NAMES))
LAST_MAILBOXES = tuple(map(in_ascii, LAST_NAMES))
