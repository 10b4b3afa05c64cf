"""Words that tell personal data and protected attributes by the names of their columns, in six languages.

The languages are English, German, French, Spanish, Italian and Dutch. `column_words` lists the words that
tell identifiers and dates.

Names are written in many ways: ``DateOfBirth``, ``DATEOFBIRTH``, ``geb_dat``, ``VN-Nachname``, ``Straße`` or
``STRASSE``. ``words_of`` divides such a name into the words that are listed here, without case and accents.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from itertools import takewhile
from unicodedata import combining, normalize


class Meaning(StrEnum):
    """Meaning of a word in the name of a column."""

    # Personal data
    NAME = "name of a person"
    ADDRESS = "address"
    TOWN = "town"
    POSTCODE = "postcode"
    BIRTH = "date of birth"
    PHONE = "telephone number"
    EMAIL = "e-mail address"
    BANK = "bank account"
    CARD = "payment card"
    OFFICIAL = "number of a person at an authority"
    DOCUMENT = "identity document or licence"
    PLATE = "number plate"
    VIN = "number of a vehicle"
    DEVICE = "network address or device"
    COORDINATE = "coordinates"
    USER = "user name"
    TEXT = "text written by a person"
    PERSON = "persons"
    # Protected attributes
    SEX = "sex"
    AGE = "age"
    MARITAL = "marital status"
    NATIONALITY = "nationality or origin"
    ETHNICITY = "ethnicity"
    RELIGION = "religion"
    DISABILITY = "disability"
    ORIENTATION = "sexual orientation"
    LANGUAGE = "language"
    # What changes the meaning of other words
    OBJECT = "object"
    NUMBERED = "number or id"
    TAX = "tax"
    ACCOUNT = "account"
    REGISTRATION = "registration"
    QUANTITY = "quantity"
    QUALIFIER = "property of something"
    CATEGORY = "category"
    COUNTRY = "country"
    DATE = "date"
    CLAIM = "claim"
    FILLER = "other word"


_LETTERS = str.maketrans({"ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d"})
"""Letters that Unicode does not decompose into a letter and an accent."""

_LISTED: Mapping[Meaning, str] = {
    Meaning.NAME: """
        name names nm nme surname surnm firstname fname fstname forename givenname lastname lname lstname
        familyname fullname middlename mname maidenname maiden initials nickname alias
        vorname vornamen nachname nachnamen zuname familienname rufname geburtsname vname nname vorn nachn
        nom noms prenom prenoms patronyme raisonsociale
        nombre nombres apellido apellidos apell apellid apel
        nome nomi cognome cognomi nominativo ragionesociale
        naam namen voornaam achternaam voornamen voorletters tussenvoegsel roepnaam anaam vnaam
        navn namn imie nazwa nazwisko sobrenome apelido fornavn etternavn efternamn""",
    Meaning.ADDRESS: """
        address addresses addr adr addrline addressline street streetname strt apt houseno
        housenumber housenr
        hsnr hnr hno residence residential location apartment
        anschrift adresse adressen adrs strasse str strassenname hausnummer hausnr hausnum wohnadresse
        rue voie numvoie numerovoie nomvoie domicile libvoie
        direccion domicilio calle via numerocivico civico portal piso
        indirizzo indir residenza
        adres straat straatnaam huisnummer huisnr huisnum woonadres toevoeging
        morada endereco ulica adressezeile""",
    Meaning.TOWN: """
        town city village municipality locality hometown
        wohnort ort ortsname stadt gemeinde ortschaft
        ville commune localite
        ciudad localidad municipio poblacion
        citta comune localita
        woonplaats plaats stad gemeente plaatsnaam""",
    Meaning.POSTCODE: """
        postcode postcodes pcode postalcode postal zip zipcode zipcd zcode
        plz postleitzahl postlz codepostal codepost codpostal
        cpostal codepos codigopostal cp cap pstcd postcd""",
    Meaning.BIRTH: """
        birth birthdate birthday birthdt brthdt bdate bday bdt dob yob dateofbirth born birthyear brth
        geburt geburtsdatum geburtstag geburtsdat geburtsjahr gebdatum gebdat gebdt gebjahr gebtag geb gebur
        jahrgang geburts
        naissance naiss nais datenaissance datenaiss ddn dtnais dnais nee
        nacimiento nacim nac fecnac fechanac fnac fnacim fechnac fecnacimiento fechanacimiento
        nascita nasc datanascita datanasc dtnasc dnascita datadinascita
        geboorte geboortedatum geboortedat gebdatum geboortejaar gbdatum
        fodselsdato fodelsedatum fodsel nascimento urodzenia""",
    Meaning.PHONE: """
        phone phones phoneno phonenumber telephone tel telno telnr telnum teleph tlf tlfn tfno tfn mobile
        mob mobileno mobilephone cell cellphone cellular fax faxno faxnr landline msisdn whatsapp
        telefon telefonnummer telefonnr fon fernruf handy handynummer handynr mobil mobilnummer mobiltelefon
        mobilnr rufnummer telefax festnetz durchwahl
        portable gsm teldom telport
        telefono telef movil celular telefonomovil telfijo
        cellulare cell telefonocellulare recapito recapiti
        telefoon telefoonnummer telefoonnr mobiel mobielnummer telprive telwerk
        telemovel celular rufnr""",
    Meaning.EMAIL: """
        email emails mail mails emailaddress emailaddr eml mailaddress courriel emailadresse mailadresse
        correo correoelectronico correoe posta emailadres mailadres postaelettronica pec""",
    Meaning.BANK: """
        iban bic swift swiftcode kontonummer kontonr kontoinhaber ktonr ktonummer kto blz bankleitzahl konto
        bankverbindung bankkonto rib compte comptebancaire numcompte cuenta cuentabancaria numcuenta
        contocorrente rekening rekeningnummer rekeningnr bankrekening bankaccount acctno acctnum acctnr
        accountno accountnumber accountnum sortcode routingno routing bankacct coordonneesbancaires""",
    Meaning.CARD: """
        card cardno cardnumber creditcard debitcard ccnum ccno ccnumber pan cvv cvc karte kartennummer
        kreditkarte kreditkarten karten kartennr carte cartebancaire numcarte tarjeta numtarjeta
        carta cartadicredito kaart
        kaartnummer creditkaart""",
    Meaning.OFFICIAL: """
        ssn ninumber ninumb ninr socialsecurity socsec nino nin nhs sin itin tin taxno taxid
        taxnumber taxpayer
        nationalid natid idcard identitycard idnumber
        steuerid steuernummer steuernr stnr steueridnr idnr steueridentifikationsnummer svnr svnummer
        sozialversicherungsnummer sozialversnr rentenversicherungsnummer rvnr ahv ahvnr ausweis ausweisnr
        ausweisnummer personalausweis personalausweisnr persoausweis perso
        nir numsecu secu securitesociale nss numss insee numerofiscal numfiscal spi cni
        dni nie nif cedula curp rfc dninif nifnie documento seguridadsocial numss
        codicefiscale codfisc codfiscale cofisc cf fiscale tesserasanitaria cartaidentita
    bsn burgerservicenummer sofi sofinummer burgerservicenr sofinr insz rijksregisternummer
    identiteitskaart
        personnummer cpr pesel cpf nhsnumber medicareid""",
    Meaning.DOCUMENT: """
        passport passportno passeport pasaporte passaporto paspoort paspoortnummer pasport
        reisepass reisepassnr passnr passnummer
        licence license licenceno licenseno lic driverlicense driverslicense drivinglicence
        drivinglicense dlno
        drvlic drivlic dlnumber
        fuhrerschein fuehrerschein fuhrerscheinnr fuhrerscheinnummer fsnr
        permis permisconduire
        permisoconducir carnet carnetconducir licenciaconducir
        patente numeropatente
        rijbewijs rijbewijsnummer rijbewijsnr""",
    Meaning.PLATE: """
        plate plates numberplate licenceplate licenseplate plateno platenr regno regnr regnum regmark vrm
        vrn rego registrationno registrationnumber registrationnr tagno
        kennzeichen kfzkennzeichen kfzkz kennz kennzch nummernschild amtlkennz kfzkennz autokennzeichen
        immatriculation immat plaque numimmat
        matricula placa matric
        targa targaveicolo
        kenteken kentekennummer kentekennr""",
    Meaning.VIN: """
        vin vinno vinnumber chassis chassisno chassisnr fahrgestellnummer fahrgestellnr fgstnr fahrgestell
        finnr fahrzeugidentifikationsnummer fahrzeugidentnr fahrzeugident numchassis bastidor
        numbastidor telaio numerotelaio chassisnummer framenumber""",
    Meaning.DEVICE: """
        ip ipaddress ipaddr ipv ipadresse ipadres ipv4 ipv6 macaddress macaddr imei imsi deviceid cookie
        cookieid useragent sessionid adresseip direccionip indirizzoip""",
    Meaning.COORDINATE: """
        latitude longitude lat lon lng latitud longitud latitudine longitudine breitengrad langengrad
        breitegrad lengtegraad breedtegraad coordinates coordinate coord coords coordonnees coordenadas
        coordinate coordinaten koordinaten gps geolocation geopoint geom latlon latlng easting northing
        what3words""",
    Meaning.USER: """
        username userid usr user login loginname logon userlogin usrname benutzer benutzername nutzer
        nutzername anwender utilisateur usuario utente nomeutente gebruiker gebruikersnaam
        screenname twitter instagram facebook skype createdby updatedby modifiedby changedby
        enteredby handledby assignedto erfasstvon bearbeitetvon erstelltvon geandertvon""",
    Meaning.TEXT: """
        description descr desc narrative narration statement story comment comments cmt cmnt remark remarks
        note notes memo freetext text message msg details detail summary testimony circumstances
        beschreibung beschr hergang schadenhergang unfallhergang schilderung bemerkung bemerkungen bem
        freitext kommentar notiz notizen anmerkung anmerkungen aussage sachverhalt schadensschilderung
        commentaire commentaires observation observations remarque remarques recit declaration libelle
        circonstances
        descriptif descripcion comentario comentarios observacion observaciones obs relato nota
        notas circunstancias
        descrizione commento commenti osservazioni note dichiarazione dinamica
        omschrijving opmerking opmerkingen toelichting beschrijving verklaring notitie notities toedracht""",
    Meaning.PERSON: """
        insured insrd insd insr ins assured holder hldr policyholder polholder polhldr phold phldr
        claimant clmnt clmt clm cmt driver drivers drvr drv owner ownr witness witnesses wit customer
        customers cust cstmr client clients clnt person persons pers contact contacts beneficiary benef
        benefic bene payee payer applicant appl adjuster adjustor examiner handler agent broker doctor
        physician lawyer attorney solicitor spouse husband wife partner member patient passenger victim
        injured thirdparty tp employee empl keeper assessor surveyor investigator signatory signature tenant
        landlord child parent guardian rep
        versicherter versicherte versicherten versicherungsnehmer versnehmer vn vsnehmer vnehmer vp halter
        fahrer lenker zeuge zeugen kunde kunden kd inhaber geschadigter geschadigte geschadigten
        anspruchsteller eigentumer sachbearbeiter bearbeiter ansprechpartner vermittler makler berater
        arzt anwalt rechtsanwalt gutachter mitarbeiter ehepartner ehegatte partner empfanger begunstigter
        unterschrift unterzeichner mieter verletzter beifahrer verursacher fzghalter
        assure assuree assures souscripteur souscr preneur conducteur conductrice temoin temoins
        titulaire beneficiaire proprietaire victime medecin avocat gestionnaire adherent
        interlocuteur tiers courtier personne personnes conjoint signataire passager
        tomador asegurado asegurada aseg titular conductor testigo testigos cliente clientes propietario
        beneficiario perjudicado lesionado perito medico abogado tramitador gestor contacto mediador
        conyuge interesado persona firmante
        assicurato assicurata assic contraente contr conducente testimone testimoni proprietario
        intestatario danneggiato liquidatore avvocato referente firmatario
        verzekerde verzekeringnemer verznemer vznemer bestuurder getuige getuigen klant klanten eigenaar
        begunstigde benadeelde behandelaar tussenpersoon arts advocaat contactpersoon relatie partner
        ondertekenaar rekeninghouder houder
        segurado condutor forsikringstaker""",
    Meaning.SEX: """
        sex sx sexcd gender gendr gndr gend male female
        geschlecht geschl geschlechtkz
        sexe genre civilite
        sexo genero
        sesso
        geslacht gesl
        anrede anredekz salutation honorific mrms tratamiento aanhef appellativo kjonn plec""",
    Meaning.AGE: """
        age ages agecat agegrp agegroup ageband agerange agebracket ageclass agecd
        alter altersgruppe altersgr altersklasse altersjahre lebensalter alterjahre
        trancheage agetranche
        edad edades grupoedad rangoedad
        eta fasciaeta
        leeftijd lft leeftijdsgroep leeftijdscategorie leeftijdsklasse idade alder""",
    Meaning.MARITAL: """
        marital married maritalstatus maritalst maritstat marstat mrtlst mstatus civilstatus
        familienstand famstand zivilstand famst famstd verheiratet ledig
        etatcivil etatciv situationfamiliale situationfam
        sitfam situationmatrimoniale matrimonial matrimoniale matrimoniales
    marie
        estadocivil estcivil estciv casado soltero
        statocivile statociv coniugato
        burgerlijkestaat burgstaat gehuwd burgerlijke
        relationship""",
    Meaning.NATIONALITY: """
        nationality nationalitycode natl nationalty citizenship citizen citizens nationalorigin birthplace
        placeofbirth birthcountry countryofbirth immigrant immigration migration foreigner
        nationalitat nationalitaet staatsangehorigkeit staatsangeh staatsang staatsburgerschaft staatsb
        migrationshintergrund geburtsort geburtsland gebort gebland herkunftsland auslander
        nationalite citoyennete lieunaissance paysnaissance
        nacionalidad ciudadania lugarnacimiento paisnacimiento extranjero
        nazionalita cittadinanza luogonascita paesenascita
        nationaliteit staatsburgerschap geboorteplaats geboorteland nacionalidade""",
    Meaning.ETHNICITY: """
    race ethnicity ethnic ethnicgroup ethnie ethnisch ethnische ethnique hautfarbe raza etnia etnico
    razza
        etnicita ras etniciteit etnische afkomst skincolor skincolour""",
    Meaning.RELIGION: """
    religion religious faith denomination konfession religionszugehorigkeit kirchensteuer relig
    confession
        culte religione religieux godsdienst geloof religie""",
    Meaning.DISABILITY: """
        disability disabled disabl handicap handicapped impairment behinderung behindert schwerbehinderung
        schwerbehindert behinderungsgrad gdb invaliditat erwerbsminderung invalidite handicape
        discapacidad discapacitado
        minusvalia disabilita invalidita disabile
        beperking arbeidsongeschikt arbeidsongeschiktheid gehandicapt""",
    Meaning.ORIENTATION: """
        sexualorientation orientationsexuelle orientacionsexual sexuelleorientierung
        sexualorientierung orientation""",
    Meaning.LANGUAGE: """
        language lang preferredlanguage mothertongue sprache korrespondenzsprache muttersprache sprachkz
        langue idioma lingua taal correspondentietaal moedertaal voertaal""",
    Meaning.OBJECT: """
        vehicle vehicles veh vehc auto autos car cars truck bike motorcycle boat trailer property building
        bldg house dwelling roof boiler policy pol plan product prod company comp firm branch brand file
        model make manufacturer agency bank insurer column table field system station court hospital clinic
        garage repairer workshop dealer shop supplier vendor department dept team office organisation
        organization school road tyre engine equipment device item asset pet dog cat animal crop
        fahrzeug fahrzeuge fzg kfz pkw lkw motorrad anhanger gebaude haus hauses police polizze vertrag
        versicherung produkt tarif firma filiale niederlassung marke modell hersteller werkstatt datei bank
        agentur abteilung versicherer spalte gerat
        vehicule vehicules voiture moto batiment maison contrat produit societe entreprise agence marque
        modele constructeur assureur fichier
        vehiculo vehiculos coche edificio vivienda poliza contrato producto empresa compania sucursal marca
        modelo fabricante taller aseguradora archivo entidad
    veicolo veicoli macchina edificio casa polizza contratto prodotto azienda filiale modello
    costruttore
        officina compagnia banca
        voertuig voertuigen gebouw woning polis produkt bedrijf filiaal merk fabrikant verzekeraar bestand""",
    Meaning.NUMBERED: """
    id ids identifier ident identifiant number no nr num nbr nmbr nummer ref reference referenz key
    uuid guid
        kennung numero nro referencia riferimento referentie code cod codice codigo""",
    Meaning.TAX: "tax steuer steuern impot impuesto tasse imposta fiscal belasting sozialversicherung",
    Meaning.ACCOUNT: "account acct acc accnt",
    Meaning.REGISTRATION: "registration reg registr zulassung registro registrazione",
    Meaning.QUANTITY: """
        amount amt premium price cost costs value val sum paid reserve salary income limit deductible
        deductable excess gain gains loss balance payment pmt total subtotal net gross fee fees rate ratio
        pct percent percentage share score km kms kilometers kilometres miles mileage odometer power hp kw
        ccm area sqm size weight height width length depth speed distance duration quantity qty volume count
        counts average coverage usage storage damage epoch
        betrag summe pramie beitrag schaden schadenhohe kosten reserve zahlung preis wert gehalt einkommen
        anzahl kilometerstand laufleistung leistung hubraum flache entfernung dauer selbstbehalt gesamt
        hohe
        montant prime cout prix valeur franchise indemnite total paiement revenu salaire kilometrage
        puissance surface duree
        importe prima coste precio valor franquicia indemnizacion pago salario ingresos kilometraje potencia
        superficie duracion cuantia
        importo premio costo prezzo valore franchigia indennizzo pagamento reddito chilometri potenza
        superficie durata
        bedrag premie prijs waarde schade schadebedrag uitkering betaling salaris inkomen kilometerstand
        vermogen oppervlakte afstand duur totaal""",
    Meaning.QUALIFIER: """
        type types typ kind status state flag ind indicator yn yesno has is class group grp band level
        available availability verified valid present provided missing match matched changed change changes
        since years yrs months days hours count format source reason result preference opt optin
        consent validated exists given known same different
        art gruppe klasse stufe vorhanden bekannt geandert anderung jahre monate tage herkunft quelle grund
        typo tipo clase estado grupo nivel disponible
        classe etat groupe niveau disponible
        tipologia stato gruppo livello
        soort klasse groep niveau aanwezig bekend""",
    Meaning.CATEGORY: """
        type kind category cat categ class status state cause peril reason severity colour color make model
        brand fuel body coverage cover product segment channel source region area province county country
        branch occupation profession job industry sector education hobby hobbies weather month day weekday
    season currency unit usage use transmission gearbox position side stage phase outcome result
    decision
        priority code csl area zone place surface origin mode method form tier rating grade quality
        condition
        style material construction occupancy treatment therapy procedure specialty specialisation breed
        species crop airline carrier trigger subrogation litigation recovery event diagnosis purpose option
        package scheme programme program campaign direction lane lighting light road junction equipment
        art typ kategorie klasse ursache grund schwere farbe marke modell kraftstoff deckung produkt sparte
        herkunft zweck weg grad zustand form bauart nutzung nutzungsart behandlung rasse zahlweise bindung
        region bundesland kanton land beruf branche wetter wochentag monat wahrung schadenart
        categorie cause gravite couleur marque modele carburant garantie produit region departement pays
        profession metier secteur meteo jour mois devise motif
    tipo categoria causa gravedad color marca modelo combustible cobertura producto region provincia
    pais
        origen canal modo forma uso naturaleza zona lugar
        profesion ocupacion sector moneda motivo ramo
        origine canale modo forma uso alimentazione natura zona luogo
        gravita colore modello carburante garanzia prodotto regione paese professione valuta
        herkomst kanaal wijze vorm gebruik schadeoorzaak dekking gebied
        soort oorzaak ernst kleur merk brandstof dekking regio provincie land beroep valuta dag maand""",
    Meaning.COUNTRY: "country land pays pais paese",
    Meaning.DATE: """
        date dates dat dt datum day time timestamp ts year yr fecha fec fech data jour annee jahr tag anno
        giorno jaar ano fcha at on""",
    Meaning.CLAIM: """
        claim claims loss incident accident case notification fnol event occurrence crash collision
        schaden schadens schadenfall unfall vorfall ereignis sinistre accident siniestro accidente sinistro
        incidente schade ongeval ongeluk""",
    Meaning.FILLER: """
        of the der des die das dem den von vom van de du la le les el los del di della dello il lo da do e
        et y und and en in im zu to for per by mit con avec met primary main first second third home work
        business private priv privat prive privado privato prive priv domicilio bur line lines other new old
        current last full current legal emergency next kin kfz amtl ersten zweite full electronic
        electronique electronico electronica security social securite seguridad sociale service burger
        driving drivers credit debit postale identite identidad identita identity national nacional
        nazionale nationale nationaal conduire conducir guida ordinance
        average mileage coverage damage garage usage storage village package message image page language
        percentage voltage tonnage salvage baggage luggage passage advantage stage wage wages cottage
        postage mortgage engage manage agenda agent agency agreement wreckage shortage leverage beverage
        teenage percentage breakage leakage spillage dosage drainage sewage acreage
        report reports reported automobile automobiles bandage boilerplate landstrasse latvia mittel
        pandas spider
        personal regional professional created assigned updated modified entered
        menage dommage dommages ouvrage etage vitrage
        plan mailing tag""",
}
"""Words by meaning. A word can have several meanings; the type and the values of a column decide."""

_SHORT = frozenset({"vn", "nr", "no", "kz", "id", "tp", "dt", "ph", "vp"})
"""Words of two letters that can be a part of a longer word."""

_INNER = frozenset(
    {
        *(
            "of",
            "de",
            "du",
            "di",
            "der",
            "des",
            "die",
            "das",
            "dem",
            "den",
            "del",
            "les",
            "los",
            "con",
            "mit",
        ),
        *("and", "und", "for", "per", "van", "von", "met"),
    }
)
"""Words that can only stand between other parts of a longer word."""

_LAST = frozenset({"no", "nr", "id", "kz"})
"""Words that cannot be the first part of a longer word."""

_ABBREVIATED = 7
"""Least letters of the beginning of a word that stands for the word."""

_STEMS: Mapping[str, Meaning] = {
    **dict.fromkeys(("surname", "nachname", "vorname", "prenom", "apellid", "cognom"), Meaning.NAME),
    **dict.fromkeys(("achternaam", "voornaam"), Meaning.NAME),
    **dict.fromkeys(("geburts", "birthd", "naissanc", "nacimient", "nascita", "geboorte"), Meaning.BIRTH),
    **dict.fromkeys(("telefon", "telephon", "phone", "handynum", "mobilnum", "telefoon"), Meaning.PHONE),
    **dict.fromkeys(("email", "courriel"), Meaning.EMAIL),
    **dict.fromkeys(("adress", "address", "indirizz", "direccion"), Meaning.ADDRESS),
    **dict.fromkeys(("strass", "straat", "anschrift", "wohnort", "huisnum", "hausnum"), Meaning.ADDRESS),
    **dict.fromkeys(("postleitz", "postcode", "zipcode", "codepostal"), Meaning.POSTCODE),
    **dict.fromkeys(("iban", "kontonum", "bankverb"), Meaning.BANK),
    **dict.fromkeys(("passport", "passeport", "pasaport", "passaport", "rijbewijs"), Meaning.DOCUMENT),
    **dict.fromkeys(("fuhrersch", "reisepass"), Meaning.DOCUMENT),
    **dict.fromkeys(("codicefiscal", "sozialvers", "socialsec", "burgerservice"), Meaning.OFFICIAL),
    **dict.fromkeys(("kennzeichen", "kenteken", "immatric", "licenseplat", "licenceplat"), Meaning.PLATE),
    **dict.fromkeys(("fahrgestell", "fahrzeugident"), Meaning.VIN),
    **dict.fromkeys(("latitud", "longitud", "breitengrad", "langengrad"), Meaning.COORDINATE),
    **dict.fromkeys(("geschlecht", "gender"), Meaning.SEX),
    **dict.fromkeys(("familienstand", "maritalst", "estadocivil", "etatcivil"), Meaning.MARITAL),
    **dict.fromkeys(("nationalit", "staatsang", "nacionalid", "nazionalit"), Meaning.NATIONALITY),
}
"""Parts that show the meaning of a word in which not everything is known."""

_NAME_ENDINGS = ("name", "naam", "navn", "namn")
"""Ends of words for names, whoever is named."""

_SPLIT = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])|[A-Z]+(?=[A-Z])|\d+")
_LONGEST = 60
"""Letters of the longest word that is divided."""


def folded(text: str) -> str:
    """Return a text without case and accents; umlauts that are written as two letters are written as one."""
    plain = normalize("NFKD", text.casefold().translate(_LETTERS))
    bare = "".join(letter for letter in plain if not combining(letter))
    return re.sub("([aou])e", r"\1", bare)


def _vocabulary() -> dict[str, frozenset[Meaning]]:
    found: dict[str, set[Meaning]] = {}
    for meaning, listed in _LISTED.items():
        for word in listed.split():
            found.setdefault(folded(word), set()).add(meaning)
    return {word: frozenset(meanings) for word, meanings in found.items()}


_VOCABULARY = _vocabulary()
_PARTS = frozenset(word for word in _VOCABULARY if len(word) > 2) | _SHORT | _INNER
_SORTED = sorted(_VOCABULARY)
_FOLDED_STEMS = {folded(stem): meaning for stem, meaning in _STEMS.items()}


def words_of(header: str) -> tuple[str, ...]:
    """Return the words of a column's name, folded; joined words are divided if all their parts are known."""
    found: list[str] = []
    letters = ""
    for word in [folded(word) for word in _SPLIT.findall(normalize("NFC", header))]:
        if len(word) == 1 and word.isalpha():
            letters += word  # D_O_B
            continue
        found += _divided(letters) + _divided(word)
        letters = ""
    return tuple(found + _divided(letters))


def meanings_of(words: Iterable[str]) -> frozenset[Meaning]:
    """Return all meanings of some words, and of their neighbours written as one ("codice fiscale")."""
    words = tuple(words)
    found: set[Meaning] = set()
    for place, word in enumerate(words):
        found |= _VOCABULARY.get(word) or _stem_meanings(word)
        for end in (place + 2, place + 3):
            joined = "".join(words[place:end])
            if end <= len(words) and joined in _VOCABULARY:
                found |= _VOCABULARY[joined]
    return frozenset(found)


def _stem_meanings(word: str) -> frozenset[Meaning]:
    found = {meaning for stem, meaning in _FOLDED_STEMS.items() if stem in word}
    if not found and len(word) > 4 and word.endswith(_NAME_ENDINGS):
        found = {Meaning.NAME}
    return frozenset(found)


@cache
def _parts(word: str) -> tuple[str, ...]:
    """Return the fewest known words that make up a word, or nothing."""
    best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
    for end in range(2, len(word) + 1):
        for start in range(end - 1):
            before, part = best[start], word[start:end]
            if before is None or part not in _PARTS:
                continue
            if (part in _INNER and (start == 0 or end == len(word))) or (part in _LAST and start == 0):
                continue
            shortest = best[end]
            if shortest is None or len(before) + 1 < len(shortest):
                best[end] = (*before, part)
    return best[-1] or ()


def _divided(word: str) -> list[str]:
    if not word or word in _VOCABULARY or len(word) > _LONGEST:
        return [word] if word else []
    forms = (word, word.removesuffix("s"), word.removesuffix("en"), word.removesuffix("n"))
    known = next((form for form in forms if form in _VOCABULARY), None)
    if known is not None:
        return [known]
    parts = next(filter(None, map(_parts, forms)), None)
    return list(parts) if parts else [_completed(word)]


def _completed(word: str) -> str:
    """Return the only word, or the shortest, that an abbreviation begins, or the abbreviation itself."""
    if len(word) < _ABBREVIATED:
        return word
    place = bisect_left(_SORTED, word)
    following = takewhile(lambda known: known.startswith(word), _SORTED[place:])
    return min(following, key=len, default=word)
