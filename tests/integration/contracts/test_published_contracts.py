"""The running contract of each line is published in compiled form, and nothing else is."""

import hashlib
import threading
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace

import pytest

from claimwatch.aws.published import Pointer
from claimwatch.domain.contract.compiled import from_json, to_json
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.errors import TransientFault
from claimwatch.ingest.publish_running import compiled_key, publish_all_running, publish_running
from local.filesystem_object_store import FilesystemObjectStore
from tests.integration.contracts.environment import Environment
from tests.pointers import PointerFiles
from tests.unit.contracts.sample_contracts import column, contract_text

AMOUNT, FUEL = column("amount", "integer"), column("fuel", "string")
FIRST, SECOND = contract_text(AMOUNT), contract_text(AMOUNT, FUEL, version="1.1.0")


def published(env: Environment, line: str = "home") -> str:
    """Return the version that is published, and check that everything about it agrees."""
    pointer = env.pointers.read(line)
    assert pointer is not None
    [(text, stored)] = env.rows(
        "SELECT text, compiled FROM contract WHERE line = %s AND status = 'applied'"
        " ORDER BY contract_id DESC LIMIT 1",
        line,
    )
    content = env.objects.newest("artifacts", compiled_key(line, pointer.sha256))
    assert pointer.uri == f"s3://artifacts/{compiled_key(line, pointer.sha256)}"
    assert hashlib.sha256(content).hexdigest() == pointer.sha256
    assert content.decode() == to_json(parse_contract(text, line))
    assert stored["version"] == from_json(content).version == pointer.version
    assert [each["name"] for each in stored["columns"]] == [
        each.name for each in parse_contract(text, line).columns
    ]
    return pointer.version


class BreakingPointers(PointerFiles):
    """A store of pointers that fails as often as it is told to."""

    def __init__(self, store: PointerFiles, failures: int) -> None:
        self.store, self.failures = store, failures

    def put(self, pointer: Pointer) -> None:
        if self.failures:
            self.failures -= 1
            raise TransientFault("Parameter Store did not answer: ThrottlingException")
        self.store.put(pointer)

    def delete(self, lines: Iterable[str]) -> None:
        self.store.delete(lines)


def test_an_applied_contract_is_published_and_its_successor_takes_its_place(env: Environment) -> None:
    env.apply(env.put(FIRST))
    assert published(env) == "1.0.0"

    env.apply(env.put(SECOND, second=1))

    assert published(env) == "1.1.0"


def test_a_refused_late_or_unreadable_contract_leaves_the_published_one(env: Environment) -> None:
    env.apply(env.put(SECOND, second=5))
    before = env.pointers.read("home")

    late = env.apply(env.put(FIRST, second=1)).status
    refused = env.apply(env.put(contract_text(FUEL, version="1.2.0"), second=6)).status
    unreadable = env.apply(env.put("schema: []", second=7)).status

    assert (late, refused, unreadable) == ("superseded", "applied", "refused")
    assert published(env) == "1.2.0"
    assert before is not None
    assert before.version == "1.1.0"


def test_a_contract_that_could_not_be_published_is_published_by_the_repeated_message(
    env: Environment,
) -> None:
    created, store = env.put(FIRST), env.pointers
    env.pointers = BreakingPointers(store, failures=1)
    with pytest.raises(TransientFault):
        env.apply(created)
    assert store.lines() == set()

    env.apply(created)

    env.pointers = store
    assert published(env) == "1.0.0"


def test_a_file_that_cannot_be_replayed_keeps_no_contract_from_the_api(env: Environment) -> None:
    env.file("parked")

    def fail(_: int) -> None:
        raise TransientFault("Step Functions did not answer: ThrottlingException")

    env.on_replay = fail
    with pytest.raises(TransientFault):
        env.apply(env.put(FIRST))

    assert published(env) == "1.0.0"


def test_a_late_repetition_publishes_the_contract_that_is_running_now(env: Environment) -> None:
    first = env.put(FIRST)
    env.apply(first)
    env.apply(env.put(SECOND, second=1))

    env.apply(first)

    assert published(env) == "1.1.0"


def test_parallel_applications_publish_the_contract_that_runs_in_the_end(env: Environment) -> None:
    created = [env.put(contract_text(AMOUNT, version=f"1.{number}.0"), second=number) for number in range(8)]

    def one(number: int) -> None:
        with closing(env.database.separately("contracts")) as database:
            env.apply(created[number], database)

    threads = [threading.Thread(target=one, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    [(running,)] = env.rows("SELECT version FROM contract WHERE status = 'applied' ORDER BY 1 DESC LIMIT 1")
    assert published(env) == running == "1.7.0"


def test_a_deployment_publishes_the_contracts_that_an_earlier_version_applied(env: Environment) -> None:
    env.apply(env.put(FIRST))
    env.apply(env.put(contract_text(AMOUNT).replace("home", "glass"), line="glass"))
    env.rows("UPDATE contract SET compiled = NULL")
    env.pointers.delete(["home", "glass", "motor"])
    env.pointers.put(Pointer("gone", "1.0.0", "s3://artifacts/compiled/gone/1.json", "1"))

    done = publish_all_running(env.publishing())

    assert (done.lines, done.unreadable) == (("glass", "home", "motor"), ())
    assert env.pointers.lines() == {"glass", "home", "motor"}
    assert published(env) == published(env, "glass") == "1.0.0"
    published(env, "motor")


def test_a_contract_that_this_version_cannot_read_stops_no_deployment(env: Environment) -> None:
    env.apply(env.put(FIRST))
    kept = env.pointers.read("home")
    env.rows("UPDATE contract SET text = 'schema: []' WHERE line = 'home'")

    done = publish_all_running(env.publishing())

    assert (done.lines, done.unreadable) == (("motor",), ("home",))
    assert env.pointers.read("home") == kept


def test_publishing_again_writes_no_second_object(env: Environment) -> None:
    env.apply(env.put(FIRST))
    objects = env.objects
    before = sorted(path for path in objects.folder.rglob("*") if path.is_file())

    publish_running(replace(env.publishing(), objects=FilesystemObjectStore(objects.folder)), "home")

    assert sorted(path for path in objects.folder.rglob("*") if path.is_file()) == before
