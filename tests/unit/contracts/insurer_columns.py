"""Names of columns as insurers of six languages write them, and columns of categories, to judge drafts by."""

PERSONAL = """
    PolicyHolderSurname phFirstNm insrd_full_nm CLAIMANT_LAST_NAME clmtName drvr1_nm Driver2Surname
    witness1Name DrName injuredPartyName 3rd_party_name contact_person beneficiaryName spouse_name
    emergency_contact_phone HomePhone work_tel cell_no mob_nr Fax_Nr emailAddr e_mail_1 mail_addr
    HomeAddress addr_ln1 street1 house_no apt_no City ZipCd postal_cd birthDt BIRTH_DATE dateBirth
    d.o.b. DtOfBirth SSN4 SocSecNo NI_Number NHSNo tax_id_nr TIN passportNumber drivers_lic_no DL_No
    vehRegNo plateNumber vin_number chassisNumber accountNo bank_acct iban_code SWIFT card_number cc_num
    ip_addr gps_lat gps_lon longitude login_name user_nm createdBy loss_description claimNarrative
    adjuster_notes VersNehmerName VNVorname VN_Nachn Anspruchsteller_Name AST_NAME Zeuge1 Fahrername
    GeschName Halter_Nachname Ansprechpartner Sachbearbeiter Gutachtername Strasse_Nr Hausnr PLZ_Ort
    Wohnort Telefon_privat TelDienst Mobiltel Handynr EMail_Adresse GebDatum Geb.-Datum GEBDAT
    Geburtstag Geburtsname SteuerId Steuer_Nr SVNr RVNR AusweisNr Reisepassnummer FSNr FuehrerscheinNr
    amtl_Kennzeichen KFZKennz FIN_Nr Fahrgestellnummer Konto_Nr KtoNr Kontoinhaber IBAN_VN BIC_Code
    Kreditkartennr Benutzerkennung Schadenhergang Bemerkungen Unfallschilderung nom_assure prenom_assure
    NomConducteur nom_temoin adresse_assure adr_l1 num_rue code_post ville_residence tel_portable
    tel_fixe courriel_client date_naiss dt_naissance DDN num_secu_soc NIR n_passeport num_permis
    immatriculation_veh no_chassis RIB num_compte compte_bancaire carte_bancaire utilisateur_creation
    commentaire_expert descriptif_sinistre lieu_naissance nombre_asegurado apellidos_tomador
    NombreConductor domicilio_asegurado cod_postal poblacion_asegurado tfno_movil telefono_fijo correo_e
    email_cliente fec_nacimiento F_NAC fechaNac DNI_asegurado NIF_tomador num_pasaporte carnet_conducir
    matricula_vehiculo bastidor num_cuenta cuenta_bancaria usuario_alta descripcion_siniestro
    observaciones_perito nome_assicurato cognome_contraente NomeConducente indirizzo_residenza
    citta_residenza cap_residenza tel_cell telefono_casa posta_elettronica data_nascita dt_nasc
    luogo_nascita cod_fiscale CF_contraente num_patente targa_veicolo num_telaio conto_corrente
    coordinate_bancarie utente_inserimento descrizione_sinistro naam_bestuurder voornaam_klant
    achternaam_vn geb_datum geboortedat adres_verzekerde straatnaam huisnr postcode_klant
    woonplaats_klant telefoonnr mobiel_nr e_mailadres bsn_nummer rijbewijsnr kenteken_auto chassisnr
    rekeningnr ibannummer gebruiker_id toelichting_schade opmerkingen_expert
"""
"""Names of columns of personal data, or of persons."""

PROTECTED = """
    insuredSex GENDER_CD Gndr driver_gender ClmtAge age_at_loss AGE_GRP ageYears MaritalStat mar_stat
    marital_cd nationalityCd countryOfBirth citizenship_status ethnic_grp race_code religion_cd
    disability_flag disabled_yn lang_pref preferred_language Geschl Geschlecht_VN Anrede Alter_VN
    Altersgr Familienst FamStand Nationalitaet Staatsang Geburtsland Konfession Religionszugeh
    Schwerbehinderung Behinderungsgrad Korrespondenzspr Sprache sexe_assure civilite age_conducteur
    tranche_age situation_fam etat_civ nationalite_assure pays_naissance langue_client handicap
    sexo_asegurado genero edad_conductor grupo_edad est_civil estado_civil nacionalidad_cli
    idioma_cliente discapacidad_grado sesso_assicurato eta_conducente fascia_eta stato_civ nazionalita
    cittadinanza lingua_cliente invalidita_perc geslacht_verz leeftijd_bestuurder leeftijdscat
    burg_staat nationaliteit taal_klant arbeidsongeschiktheid
"""
"""Names of columns of protected attributes."""

OTHER = """
    claim_id ClaimNo policy_number PolicyNr loss_date ReportDate claim_amount TotalPaid reserve_amt
    deductible fuel_type vehicle_make vehicleModel VehicleYear vehicle_age AgeOfVehicle policy_age
    building_age num_drivers NoOfWitnesses witnesses passengers_count injury_type body_part
    cause_of_loss peril_code weather_cond road_type speed_limit mileage odometer engine_power
    product_name product_code branch_name company_name garage_name file_name channel agent_type
    broker_code region state country county province currency payment_method severity status fraud_flag
    policy_type coverage_limit premium_annual months_insured days_to_report police_report hour_of_day
    day_of_week month quarter num_claims_prior tow_required airbag_deployed total_loss repair_cost
    parts_cost labour_cost salvage_value Schadennr Schadenart Schadendatum Meldedatum Schadenhoehe
    Zahlbetrag Reserve Selbstbehalt Kraftstoff Marke Modell Baujahr Fahrzeugalter Laufleistung
    Leistung_kW Sparte Tarif Bundesland Anzahl_Zeugen Wetter Ursache Uhrzeit Werkstatt Vertragsalter
    Deckung Praemie num_sinistre type_sinistre date_sinistre montant_total franchise marque_vehicule
    age_vehicule energie garantie departement nb_temoins puissance cause gravite num_siniestro
    tipo_siniestro fecha_siniestro importe_total franquicia marca_vehiculo antiguedad_vehiculo
    combustible provincia num_testigos causa gravedad num_sinistro tipo_sinistro data_sinistro
    importo_totale franchigia marca_veicolo eta_veicolo alimentazione provincia numero_testimoni
    schadenummer schadedatum schadebedrag oorzaak merk model bouwjaar leeftijd_voertuig brandstof
    provincie aantal_getuigen eigen_risico
"""
"""Names of columns that are neither."""

CATEGORIES = """
    Month: Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec
    DayOfWeek: Monday Tuesday Wednesday Friday
    Make: Honda Toyota Ford Mazda Chevrolet Pontiac Accura Dodge Mercury Jaguar Nisson VW Saab Saturn
        Porche BMW Mecedes Ferrari Lexus
    AccidentArea: Urban Rural
    DayOfWeekClaimed: Tuesday Monday Thursday 0
    Fault: Policy_Holder Third_Party
    PolicyType: Sport_-_Liability Sport_-_Collision Sedan_-_Liability Utility_-_All_Perils
        Sedan_-_All_Perils
    VehicleCategory: Sport Utility Sedan
    VehiclePrice: more_than_69000 20000_to_29000 30000_to_39000 less_than_20000
    PastNumberOfClaims: none 1 2_to_4 more_than_4
    AgeOfVehicle: 3_years 6_years 7_years more_than_7 5_years new 4_years 2_years
    PoliceReportFiled: No Yes
    WitnessPresent: No Yes
    AgentType: External Internal
    NumberOfSuppliments: none more_than_5 3_to_5 1_to_2
    AddressChange_Claim: 1_year no_change 4_to_8_years 2_to_3_years under_6_months
    NumberOfCars: 3_to_4 1_vehicle 2_vehicles 5_to_8 more_than_8
    BasePolicy: Liability Collision All_Perils
    Days_Policy_Accident: more_than_30 15_to_30 none 1_to_7 8_to_15
    Schadenart: Auffahrunfall Parkschaden Glasbruch Marderbiss Hagelschaden Diebstahl
    Sparte: Kfz Hausrat Haftpflicht Rechtsschutz
    Status: offen geschlossen reguliert abgelehnt
    Bundesland: Bayern Hessen Sachsen Thüringen Hamburg Bremen
    Kraftstoff: Benzin Diesel Elektro Hybrid Erdgas
    Fahrzeugmarke: Volkswagen Opel Audi Skoda Seat Renault
    Werkstattbindung: Ja Nein
    Tarif: Basis Komfort Premium Exklusiv
    Ursache: Unachtsamkeit Alkohol Glätte Wildwechsel
    Zahlweise: monatlich jährlich vierteljährlich
    type_sinistre: Bris_de_glace Vol Incendie Dégât_des_eaux Collision
    garantie: Tiers Tous_risques Intermédiaire
    region: Bretagne Normandie Occitanie Corse
    usage: Privé Professionnel Tournées
    energie: Essence Diesel Électrique
    origine: Courtier Agence Internet
    tipo_siniestro: Robo Colisión Lunas Incendio Granizo
    provincia: Madrid Sevilla Valencia Murcia Toledo
    combustible: Gasolina Diésel Eléctrico
    canal: Agente Web Teléfono
    ramo: Auto Hogar Vida
    tipo_sinistro: Furto Collisione Cristalli Grandine
    regione: Lazio Lombardia Toscana Sicilia
    alimentazione: Benzina Gasolio Elettrica Ibrida
    schadeoorzaak: Aanrijding Diefstal Hagel Ruitschade
    provincie: Utrecht Drenthe Zeeland Limburg
    brandstof: Benzine Diesel Elektrisch
    dekking: WA WA+ Allrisk
    vehicle_body: SUV Sedan Hatchback Coupe Wagon
    color: red blue silver black white
    weather: Clear Rain Fog Snow
    road_surface: Dry Wet Icy
    injury_severity: Minor Major Fatal None
    claim_channel: Phone App Web Broker
    peril: Fire Wind Hail Water Theft
    coverage: Collision Comprehensive Liability
    construction: Masonry Frame Brick Steel
    roof_material: Tile Slate Shingle Metal
    occupancy: Owner Tenant Vacant
    heating: Gas Oil Electric Heatpump
    diagnosis_group: Musculoskeletal Cardiac Respiratory
    treatment: Surgery Physiotherapy Medication
    line_of_business: Motor Home Travel Pet
    segment: Retail Corporate SME
    marketing_source: Google Facebook Referral Billboard
    telematics: Opted Declined
    gearbox: Manual Automatic
    c1: A B C D
    c2: petrol diesel electric
    c3: Platinum Gold Silver Bronze
    c4: Renault Peugeot Citroen Dacia
    c5: North South East West
    c6: open closed
    c8: Skiing Football Cycling Climbing
    c9: craft-repair sales tech-support
    subrogation: Pursued Waived Recovered
    damage_location: Bumper Hood Fender Windshield
    litigation_stage: Discovery Trial Settlement
    fnol_method: Telephone Portal Chat
    purpose: Commuting Leisure Deliveries
    trigger: Deductible Threshold Manual
    cat_event: Katrina Ida Sandy Harvey
    hospital_type: Public Private Teaching
    airline: Lufthansa Ryanair Iberia KLM
    breed: Labrador Poodle Beagle Bulldog
    crop: Wheat Barley Maize
    device: iPhone Samsung Pixel
    education_level: MD PhD Masters College High_School
    merchant_category: Groceries Travel Electronics
"""
"""Columns of categories with their values, in which ``_`` stands for a blank."""
