"""Companies whose files strangers bring: what their columns are called, and how they write values."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.first_model.columns import Field, amount, count, flag, level, since, word


@dataclass(frozen=True)
class Company:
    """The columns of a company's files.

    ``label`` is the name of the label, and ``label_words`` how fraud and honest claims are called.
    ``features`` have an effect, ``idle`` have none.
    """

    name: str
    delimiter: str
    claim: str
    event: str
    date: str
    label: str
    label_words: tuple[str, str]
    features: Sequence[Field]
    idle: Sequence[Field]


COMPANIES = (
    Company(
        "motor",
        ",",
        "claim_number",
        "incident_date",
        "%Y-%m-%d",
        "fraud_reported",
        ("Y", "N"),
        (
            word("incident_type", ("Collision", "Theft", "Glass", "Fire", "Vandalism", "Weather")),
            amount("total_claim_amount", 4_200.0),
            count("claims_last_3_years", 0.5),
            since("policy_start_date", "%Y-%m-%d", 900.0),
            flag("police_report_available", "YES", "NO", 0.4),
            level("annual_mileage", 2_000, 40_000),
            word("sales_channel", ("Agent", "Broker", "Online", "Phone"), "?", 0.05),
        ),
        (
            word("auto_make", ("Saab", "Ford", "Audi", "Dodge", "Honda", "Toyota", "BMW", "Nissan")),
            amount("policy_annual_premium", 1_200.0, 0.3),
            count("witnesses", 1.2),
            word("insured_sex", ("FEMALE", "MALE")),
            level("insured_age", 18, 85),
        ),
    ),
    Company(
        "hausrat",
        ";",
        "Schadennummer",
        "Schadendatum",
        "%d.%m.%Y",
        "Betrug",
        ("ja", "nein"),
        (
            word("Schadenart", ("Leitungswasser", "Einbruch", "Sturm", "Brand", "Glasbruch")),
            amount("Schadenhoehe", 1_900.0, decimal=","),
            count("Vorschaeden", 0.8),
            since("Vertragsbeginn", "%d.%m.%Y", 1_400.0),
            level("Wohnflaeche", 25, 220),
            flag("Belege_vollstaendig", "nein", "ja", 0.25),
        ),
        (
            word("Bauart", ("massiv", "Fachwerk", "Fertighaus")),
            amount("Jahresbeitrag", 160.0, 0.25, decimal=","),
            word("Geschlecht", ("w", "m", "d")),
        ),
    ),
    Company(
        "voyage",
        ";",
        "numero_sinistre",
        "date_sinistre",
        "%d/%m/%Y",
        "fraude",
        ("oui", "non"),
        (
            word("type_sinistre", ("bagages", "annulation", "medical", "retard", "vol")),
            amount("montant_reclame", 640.0, decimal=","),
            level("jours_avant_depart", 0, 120),
            count("sinistres_anterieurs", 0.4),
            word("canal", ("agence", "internet", "courtier", "telephone"), "NC", 0.08),
            flag("justificatifs", "non", "oui", 0.3),
        ),
        (
            word("destination", ("Europe", "Asie", "Amerique", "Afrique", "Oceanie")),
            count("nombre_voyageurs", 2.1),
            level("age_assure", 18, 80),
        ),
    ),
    Company(
        "health",
        "|",
        "ClaimID",
        "ServiceDate",
        "%m/%d/%Y",
        "is_fraud",
        ("1", "0"),
        (
            word("ProcedureGroup", ("Imaging", "Surgery", "Lab", "Therapy", "Dental", "Emergency")),
            amount("BilledAmount", 820.0, 1.1),
            count("VisitsThatDay", 1.0),
            level("MinutesOfCare", 5, 180),
            word("FacilityType", ("Clinic", "Hospital", "Practice", "Mobile")),
            flag("Referred", "N", "Y", 0.35),
            count("EarlierDenials", 0.3),
        ),
        (
            word("PlanTier", ("Bronze", "Silver", "Gold", "Platinum")),
            amount("Deductible", 500.0, 0.5),
            word("Gender", ("F", "M")),
        ),
    ),
    Company(
        "mobile",
        "\t",
        "case_ref",
        "loss_date",
        "%Y-%m-%d",
        "investigation_result",
        ("Fraud", "Legit"),
        (
            word("damage", ("screen", "water", "theft", "loss", "battery")),
            amount("device_value", 640.0, 0.5),
            level("days_since_purchase", 1, 900),
            count("devices_on_account", 1.5),
            flag("imei_blocked", "0", "1", 0.6),
            word("shop", ("online", "store", "operator", "reseller"), "n/a", 0.04),
        ),
        (
            word("brand", ("A", "B", "C", "D", "E")),
            level("battery_health", 60, 100),
        ),
    ),
)
