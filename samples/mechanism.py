"""What makes a claim a fraud in this book: a logistic function of what stands in the claim, and nothing else.

No protected attribute takes part and no hidden variable does, so the true probability of a claim is what
the best possible model would say. It is known for every claim and is never a column of a claims file.
"""

from dataclasses import dataclass

import numpy as np

from samples.columns import MISSING
from samples.draws import Floats, Integers
from samples.vocabulary import CHANNELS, INCIDENTS, SEVERITIES

# Log-odds; the intercept makes 6.5 % of the claims of an undrifted book frauds.
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
AMOUNT_DOUBLED, AMOUNT_BASE = 0.45, 3_000.0
NO_POLICE_REPORT = 0.7
DAY_OF_SILENCE, DAYS_OF_SILENCE = 0.05, 25
# Interactions: what is harmless alone.
UNSEEN_AT_NIGHT = 1.0
LOAN_ON_WHAT_IS_GONE = 1.2
MANY_HURT_IN_A_BUMP = 1.7
# The new scheme of a drifted mechanism: brokers' glass claims; and fraudsters have learnt to wait.
BROKERED_GLASS = 3.4
EARLY_CLAIM_AFTERWARDS = 0.4


@dataclass(frozen=True)
class Facts:
    """What the mechanism looks at, exactly as the claim states it; MISSING where it states nothing."""

    incident: Integers
    severity: Integers
    channel: Integers
    days_insured: Integers
    days_silent: Integers
    earlier_claims: Integers
    claim_amount: Floats
    police_report: Integers
    hour: Integers
    witnesses: Integers
    injuries: Integers
    financed: Integers


def fraud_probability(facts: Facts, new_scheme: bool = False) -> Floats:
    """The true probability of fraud of each claim."""
    incident = np.array([INCIDENT_EFFECT[name] for name in INCIDENTS])[facts.incident]
    online = facts.channel == CHANNELS.index("online")
    early = (EARLY_CLAIM_AFTERWARDS if new_scheme else EARLY_CLAIM) * np.exp(-facts.days_insured / EARLY_DAYS)
    amount = np.clip(np.log2(facts.claim_amount / AMOUNT_BASE), -3.0, 4.0)
    night = (facts.hour != MISSING) & ((facts.hour >= 22) | (facts.hour < 5))
    gone = np.isin(facts.incident, [INCIDENTS.index("theft"), INCIDENTS.index("fire")])
    bump = facts.severity <= SEVERITIES.index("minor")
    log_odds = (
        INTERCEPT
        + incident
        + ONLINE * online
        + early
        + EARLIER_CLAIMS * np.minimum(facts.earlier_claims, 4)
        + AMOUNT_DOUBLED * amount
        + NO_POLICE_REPORT * (facts.police_report == 0)
        + DAY_OF_SILENCE * np.minimum(facts.days_silent, DAYS_OF_SILENCE)
        + UNSEEN_AT_NIGHT * (night & (facts.witnesses == 0))
        + LOAN_ON_WHAT_IS_GONE * (gone & (facts.financed == 1))
        + MANY_HURT_IN_A_BUMP * (bump & (facts.injuries >= 2))
    )
    if new_scheme:
        brokered = facts.channel == CHANNELS.index("broker")
        log_odds = log_odds + BROKERED_GLASS * (brokered & (facts.incident == INCIDENTS.index("glass")))
    probability: Floats = 1.0 / (1.0 + np.exp(-log_odds))
    return probability
