"""What the model is, and its limits."""

from training.card.section import Section, Table, listed
from training.evidence import Evidence


def model(found: Evidence) -> Section:
    """Return the section about the model itself."""
    settings = found.settings
    rows = [
        ("Line and version", f"{found.line}, version {found.version}"),
        ("Model", f"{found.choice.name}, {found.size:,} parameters, {len(found.spec.features)} features"),
        ("Hyperparameters", listed(found.parameters)),
        ("Score", "the calibrated probability that the claim is fraud"),
        ("Referral", _referral(found)),
        ("Contract", f"version {found.contract_version}"),
        ("Code", found.code_version),
        ("Data", f"SHA-256 {found.data_sha256}"),
        ("Seed", str(settings.seed)),
        ("Created", found.created_at),
    ]
    return Section(
        "What it is",
        "The model ranks new claims for human review. It decides nothing: a referral is a reason to look at a"
        " claim, not a reason to refuse it.",
        (Table(("Property", "Value"), rows, numeric=2),),
    )


def _referral(found: Evidence) -> str:
    rule, capacity = found.referral, f"{found.settings.capacity:.1%} of the claims"
    if rule.tie_share >= 1.0:
        return f"from a probability of {rule.threshold:.4f}: {capacity}"
    return (
        f"above a probability of {rule.threshold:.4f}, and {rule.tie_share:.1%} of the claims that have"
        f" exactly this probability, drawn by their ids: {capacity}"
    )


def limits(found: Evidence) -> Section:
    """Return the section about the limits of the model."""
    first = found.folds[0]
    return Section(
        "Limits",
        f"The model was trained on claims of line {found.line} from {first.first} to {first.last}. If fraud,"
        " the book or the way of investigating changes, its probabilities are wrong until it is trained"
        " again.\nIt was trained on investigated claims. A kind of fraud that nobody looks for has no"
        " outcomes; only the random audit can show it.\n"
        "The figures for the whole book assume that claims were selected for investigation by their own"
        " features, and otherwise at random.\n"
        "A reason says what moved the score. It does not say what caused the fraud.",
    )
