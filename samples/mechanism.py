"""The fraud mechanism of the book: a logistic function of columns of the claim, and of nothing else.

It uses no protected attribute and no hidden variable, so the true probability of a claim is also the output
of the best possible model. The probability is known for every claim but is never a column of a claims file.
"""

from dataclasses import dataclass

import numpy as np

from samples.columns import MISSING
from samples.draws import Floats, Integers
from samples.vocabulary import CHANNELS, INCIDENTS, SEVERITIES

# Log-odds. The intercept makes 6.5 % of the claims of a book without drift fraudulent.
INTERCEPT = -4.7
INCIDENT_EFFECT = {
    "collision": 0.0,
    "single_vehicle": 0.2,
    "theft": 1.1,
    "fire": 1.4,
    "vandalism": 0.3,
    "glass": -1.0,
    "weather": -0.8,
    "animal": -0.8,
}
ONLINE = 0.5
EARLY_CLAIM, EARLY_DAYS = 2.2, 60.0
EARLIER_CLAIMS = 0.45
DOUBLED_AMOUNT, AMOUNT_BASE = 0.45, 3_000.0
NO_POLICE_REPORT = 0.7
DELAY_DAY, MAX_DELAY_DAYS = 0.05, 25
# Interactions of facts that are harmless by themselves.
NIGHT_WITHOUT_WITNESS = 1.0
FINANCED_THEFT_OR_FIRE = 1.2
INJURIES_IN_MINOR_ACCIDENT = 1.7
# The new scheme: brokers' glass claims become frauds, and early claims lose most of their effect.
BROKER_GLASS = 3.4
EARLY_CLAIM_NEW_SCHEME = 0.4


@dataclass(frozen=True)
class FraudFactors:
    """Inputs of the mechanism, exactly as the claims state them; MISSING for facts that are not stated."""

    incident: Integers
    severity: Integers
    channel: Integers
    days_insured: Integers
    delay_days: Integers
    earlier_claims: Integers
    claim_amount: Floats
    police_report: Integers
    hour: Integers
    witnesses: Integers
    injuries: Integers
    financed: Integers


def fraud_probability(facts: FraudFactors, new_scheme: bool = False) -> Floats:
    """Return the true fraud probability of each claim."""
    incident = np.array([INCIDENT_EFFECT[name] for name in INCIDENTS])[facts.incident]
    online = facts.channel == CHANNELS.index("online")
    early = (EARLY_CLAIM_NEW_SCHEME if new_scheme else EARLY_CLAIM) * np.exp(-facts.days_insured / EARLY_DAYS)
    amount = np.clip(np.log2(facts.claim_amount / AMOUNT_BASE), -3.0, 4.0)
    night = (facts.hour != MISSING) & ((facts.hour >= 22) | (facts.hour < 5))
    stolen_or_burnt = np.isin(facts.incident, [INCIDENTS.index("theft"), INCIDENTS.index("fire")])
    minor = facts.severity <= SEVERITIES.index("minor")
    log_odds = (
        INTERCEPT
        + incident
        + ONLINE * online
        + early
        + EARLIER_CLAIMS * np.minimum(facts.earlier_claims, 4)
        + DOUBLED_AMOUNT * amount
        + NO_POLICE_REPORT * (facts.police_report == 0)
        + DELAY_DAY * np.minimum(facts.delay_days, MAX_DELAY_DAYS)
        + NIGHT_WITHOUT_WITNESS * (night & (facts.witnesses == 0))
        + FINANCED_THEFT_OR_FIRE * (stolen_or_burnt & (facts.financed == 1))
        + INJURIES_IN_MINOR_ACCIDENT * (minor & (facts.injuries >= 2))
    )
    if new_scheme:
        brokered = facts.channel == CHANNELS.index("broker")
        log_odds = log_odds + BROKER_GLASS * (brokered & (facts.incident == INCIDENTS.index("glass")))
    probability: Floats = 1.0 / (1.0 + np.exp(-log_odds))
    return probability
