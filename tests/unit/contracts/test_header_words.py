"""Names of columns are understood in six languages, however their words are joined, cut and accented."""

import pytest

from claimwatch.domain.contract.header_words import Meaning, meanings_of, words_of

PERSONAL = {
    Meaning.NAME: """insured_nm VN_Nachname Vorname firstName LASTNAME apellido1 prénom cognome custname
        NomAssure naam_verzekerde policyholdername nom_de_l_assure Achternaam nombre_tomador""",
    Meaning.BIRTH: """Geburtsdatum GebDat GEB_DATUM geb-dat dob D_O_B DateOfBirth DATEOFBIRTH birth_dt
        fecha_nac FechaNacimiento date_naissance dateNaiss data_di_nascita geboortedatum insd_dob
        yearOfBirth gebjahr""",
    Meaning.PHONE: """tel_dom TelNr phone2 Telefonnummer HANDY mobile_no numéro_de_téléphone movil cellulare
        telefoon""",
    Meaning.EMAIL: "e-mail EMail email_address mailadresse courriel correo_electronico emailadres",
    Meaning.ADDRESS: """Straße STRASSE strasse HausNr street_name addr1 AddressLine2 rue calle indirizzo
        huisnummer VersicherungsnehmerStrasse""",
    Meaning.POSTCODE: "PLZ zip InsuredZIPCode post_code code_postal codigo_postal cap postleitzahl",
    Meaning.BANK: "IBAN kto_nr Kontonummer rekeningnummer numero_cuenta bic compte_bancaire",
    Meaning.OFFICIAL: """SSN ni_no steuer_id Steuer-ID num_secu codice_fiscale CODICEFISCALE bsn dni n_nie
        SVNummer""",
    Meaning.DOCUMENT: "passport_no Führerschein FuehrerscheinNr driver_licence rijbewijs patente DrvLicNo",
    Meaning.PLATE: "kfz_kz Kennzeichen numberplate license_plate kenteken targa matricula immat",
    Meaning.VIN: "VIN chassis_no FahrgestellNr bastidor telaio",
    Meaning.COORDINATE: "lat lon Longitude gps_lat breitengrad",
    Meaning.USER: "userName login benutzer created_by gebruikersnaam",
}
PROTECTED = {
    Meaning.SEX: "CLMSEX insured_sex Geschlecht sexe gndr Anrede geslacht sesso sexo",
    Meaning.AGE: "CLMAGE age_band Alter driverAge edad leeftijd AgeOfPolicyHolder",
    Meaning.MARITAL: """MARITAL Familienstand maritalStatus etat_civil estado_civil burgerlijke_staat
        stato-civile""",
    Meaning.NATIONALITY: """nationality Staatsangehörigkeit citizenship nationalite nacionalidad cittadinanza
        Geburtsort""",
    Meaning.RELIGION: "religion Konfession godsdienst",
    Meaning.DISABILITY: "disability Schwerbehinderung handicap discapacidad invalidita",
    Meaning.LANGUAGE: "language Korrespondenzsprache langue idioma lingua taal",
}
OTHER = """mileage damage coverage average village_flag garage storage usage message page wage sussex seatbelt
    CLMINSUR agent_code policy_csl collision_type witnesses months_as_customer Schadenhöhe fuel_type
    deductible total_claim_amount umbrella_limit auto_make vehicle_claim
    authorities_contacted rownames CASENUM"""


def expected(table: dict[Meaning, str]) -> list[tuple[str, Meaning]]:
    return [(header, meaning) for meaning, headers in table.items() for header in headers.split()]


@pytest.mark.parametrize(("header", "meaning"), expected(PERSONAL) + expected(PROTECTED))
def test_a_header_is_understood(header: str, meaning: Meaning) -> None:
    assert meaning in meanings_of(words_of(header))


@pytest.mark.parametrize("header", OTHER.split())
def test_other_words_are_not_taken_apart(header: str) -> None:
    protected = {*PROTECTED, Meaning.ETHNICITY, Meaning.ORIENTATION}
    assert not meanings_of(words_of(header)) & (protected | set(PERSONAL) - {Meaning.ADDRESS})
