"""A small book for the desk: a promoted model, scored claims with open cases, and photos of some of them."""

import uuid
from dataclasses import dataclass
from pathlib import Path

from claimwatch.domain.evaluation.week import name_of
from claimwatch.storage import models
from local.people import User, create_user
from samples import Book, BookConfig, write_week
from samples.delivery import Delivery, deliver
from samples.photos import encoded, scene
from tests.cluster import database_at
from tests.deployed import Deployed, Row, eventually
from tests.motor_model import grow

CONFIG = BookConfig(seed=23, claims_per_week=1_500)
"""One week of claims; about a tenth of them become cases."""
WEEK = name_of(CONFIG.start)
"""The week of the claims."""
MORE_PEOPLE = {"ines": ("investigator",), "ivan": ("investigator",), "ilse": ("investigator",)}
"""Investigators besides those of every stack: a second and a third look need other people."""


@dataclass(frozen=True)
class DeskBook:
    """The prepared stack, and who may sign in."""

    deployed: Deployed
    people: dict[str, User]
    champion: str
    """The version of the model that asked for the cases of this book; other tests leave other cases."""
    candidate: str
    """The version of a model that is not live."""

    def case(self, where: str = "true", *values: object) -> Row:
        """Return a case of this book that is open, nobody's, without photos, and meets a condition of SQL."""
        rows = self.deployed.query(
            "SELECT * FROM claimwatch.review_case WHERE model_version = %s AND state = 'open'"
            " AND assigned_to IS NULL AND snoozed_until IS NULL"
            " AND (lease_until IS NULL OR lease_until < now())"
            " AND NOT EXISTS (SELECT FROM claimwatch.claim_image AS i"
            " WHERE i.event_id = review_case.claim_id)"
            f" AND ({where}) ORDER BY case_id LIMIT 1",
            self.champion,
            *values,
        )
        assert rows, f"no open case has {where}"
        return rows[0]

    def photographed(self) -> Row:
        """Return the case with two photos, one of which is also a photo of another case."""
        [row] = self.deployed.query(
            "SELECT c.* FROM claimwatch.review_case c WHERE c.model_version = %s AND"
            " 2 = (SELECT count(*) FROM claimwatch.claim_image i WHERE i.event_id = c.claim_id)",
            self.champion,
        )
        return row

    def checked_week(self) -> str:
        """Let the weekly checks look at the claims of this book; return the name of their week."""
        asked = self.deployed.invoke("PlanEvaluation", {"line": "motor", "window": WEEK})
        eventually(
            lambda: bool(
                self.deployed.query(
                    "SELECT 1 FROM claimwatch.evaluation_window WHERE line = 'motor' AND model_version = %s"
                    " AND report_uri IS NOT NULL",
                    asked["model_version"],
                )
            ),
            f"week {WEEK} is closed",
        )
        return WEEK

    def decisions(self, claim: str, person: str) -> list[Row]:
        """Return a person's decisions on a claim, in their order; a second look has those of others, too."""
        return self.deployed.query(
            "SELECT * FROM claimwatch.decision WHERE claim_id = %s AND by = %s ORDER BY at", claim, person
        )

    def events(self, action: str, actor: str) -> int:
        """Return how many access events of an action a person has caused."""
        [row] = self.deployed.query(
            "SELECT count(*) AS n FROM claimwatch.access_event WHERE action = %s AND actor = %s",
            action,
            actor,
        )
        count: int = row["n"]
        return count


def prepare(deployed: Deployed, folder: Path) -> DeskBook:
    """Promote a model, load claims and photos, and wait for cases."""
    version = _register(deployed, folder / "training", 7)
    answer = deployed.command("promote", "motor", version, "--as", "champion", "--why", "the desk")
    assert answer["version"] == version, answer
    candidate = _register(deployed, folder / "candidate", 8)
    path = folder / "claims.csv"
    write_week(path, Book(CONFIG), 0)
    loaded = deployed.ended(deployed.drop(f"claims/motor/desk-{uuid.uuid4().hex[:8]}.csv", path.read_bytes()))
    assert loaded["status"] == "committed", loaded

    def scored() -> bool:
        [row] = deployed.query(
            "SELECT count(*) AS n FROM claimwatch.score WHERE model_version = %s AND role = 'champion'",
            version,
        )
        return bool(row["n"] == CONFIG.claims_per_week)

    eventually(scored, "the claims have a score, and the suspicious ones a case")
    # Tests that share the stack leave cases, also of claims with the same ids in two lines.
    deployed.query(
        "UPDATE claimwatch.review_case SET state = 'withdrawn', closed_at = now(), holder = NULL,"
        " lease_until = NULL WHERE closed_at IS NULL AND model_version <> %s RETURNING 1",
        version,
    )
    people = {user.name: user for user in deployed.stack.users}
    cognito, pool = deployed.client("cognito-idp"), deployed.outputs["UserPoolId"]
    people |= {name: create_user(cognito, pool, name, *groups) for name, groups in MORE_PEOPLE.items()}
    book = DeskBook(deployed, people, version, candidate)
    _send_photos(book)
    return book


def _register(deployed: Deployed, folder: Path, seed: int) -> str:
    """Register a model and return its version."""
    config = BookConfig(seed=3, claims_per_week=300, weeks=8)
    sent = deliver(config, folder, Delivery(settling_weeks=2), parts=("claims", "truth"))
    weeks = sorted({Path(file.key).stem for file in sent if file.part == "claims"})
    grown = grow(folder, weeks, f"desk-{uuid.uuid4().hex[:6]}", seed)
    bucket, s3 = deployed.outputs["ArtifactBucket"], deployed.client("s3")
    for key, content in grown.keys().items():
        s3.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")
    with database_at(deployed.stack.database_url).transaction() as cursor:
        models.add_version(cursor, grown.registered(bucket))
    return grown.version


def _send_photos(book: DeskBook) -> None:
    """Send two photos of one case, one of which is also a photo of another case.

    In line motor, the event of a claim has the claim's id.
    """
    cases = book.deployed.query(
        # Nobody gets them as the next case, so that they are open whatever other tests decide.
        "SELECT claim_id FROM claimwatch.review_case WHERE model_version = %s AND state = 'open'"
        " ORDER BY blinded, priority LIMIT 2",
        book.champion,
    )
    shared = _photo(1)
    sent = [
        (cases[0]["claim_id"], "front.jpg", shared),
        (cases[0]["claim_id"], "side.jpg", _photo(2)),
        (cases[1]["claim_id"], "front.jpg", shared),
    ]
    versions = [book.deployed.drop(f"images/{event}/{name}", content) for event, name, content in sent]
    eventually(
        lambda: (
            book.deployed.query(
                "SELECT count(*) AS n FROM claimwatch.claim_image WHERE version_id = ANY(%s)", versions
            )[0]["n"]
            == len(versions)
        ),
        "the photos were received",
    )


def _photo(number: int) -> bytes:
    return encoded(scene(23, number, 1600, 1200))
