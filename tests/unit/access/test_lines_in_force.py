"""A line's contract and champion are at most half a minute old, and verified against their hashes."""

import pytest

from claimwatch.access.lines_in_force import FRESH_SECONDS, ContractMismatch, InForce
from claimwatch.aws.published import Pointer, UnusablePointer
from claimwatch.errors import TransientFault
from tests.unit.access.environment import CONTRACT, KEY, PREFIX, World


@pytest.fixture
def world() -> World:
    world = World()
    world.publish_contract()
    world.publish("live", "motor", "7", "s3://artifacts/models/motor/7/", "0" * 64)
    return world


def in_force(world: World) -> InForce:
    found = world.access.in_force("motor")
    assert found is not None
    return found


def test_a_line_has_its_contract_its_champion_and_the_key_by_one_call(world: World) -> None:
    found = in_force(world)

    assert found.champion == Pointer("motor", "7", "s3://artifacts/models/motor/7/", "0" * 64)
    assert found.key == KEY
    assert world.access.contract(found.contract) == CONTRACT
    assert len(world.reads) == 1


def test_a_promotion_is_seen_within_thirty_seconds(world: World) -> None:
    in_force(world)
    world.publish("live", "motor", "8", "s3://artifacts/models/motor/8/", "1" * 64)

    world.pass_seconds(FRESH_SECONDS)

    assert FRESH_SECONDS <= 30
    champion = in_force(world).champion
    assert champion is not None
    assert champion.version == "8"


def test_parameters_are_not_read_for_every_request(world: World) -> None:
    for _ in range(10):
        in_force(world)
        world.pass_seconds(2.9)
    assert len(world.reads) == 1


@pytest.mark.parametrize("version", [None, "deleted"])
def test_a_line_whose_champion_was_withdrawn_has_none(world: World, version: str | None) -> None:
    in_force(world)
    if version is None:
        world.publish("live", "motor", None)
    else:
        del world.parameters[f"{PREFIX}/live/motor"]
    world.pass_seconds(31)

    assert in_force(world).champion is None


def test_what_was_known_is_not_used_while_the_parameters_cannot_be_read(world: World) -> None:
    in_force(world)
    world.pass_seconds(31)
    world.parameters_work = False

    for _ in range(2):
        with pytest.raises(TransientFault):
            in_force(world)

    world.parameters_work = True
    assert in_force(world).key == KEY


def test_a_clock_that_is_set_back_makes_nothing_fresh(world: World) -> None:
    in_force(world)
    world.pass_seconds(-3600)
    in_force(world)
    assert len(world.reads) == 2


@pytest.mark.parametrize("name", ["home", "", "Motor", "../motor", "motor/x", "m" * 41, "ä"])
def test_another_name_is_not_a_line(world: World, name: str) -> None:
    assert world.access.in_force(name) is None


def test_a_name_that_no_line_can_have_is_not_asked_for(world: World) -> None:
    world.access.in_force("../../other/parameter")
    assert world.reads == []


def test_many_unknown_lines_do_not_fill_the_memory(world: World) -> None:
    for number in range(300):
        world.access.in_force(f"line_{number}")
    in_force(world)
    reads = len(world.reads)
    world.access.in_force("line_0")
    assert len(world.reads) == reads + 1


def test_a_pointer_to_another_line_is_not_used(world: World) -> None:
    world.parameters[f"{PREFIX}/live/motor"] = world.parameters[f"{PREFIX}/live/motor"].replace(
        '"motor"', '"home"', 1
    )
    with pytest.raises(UnusablePointer):
        in_force(world)


@pytest.mark.parametrize("place", [0, 100, -1])
def test_a_contract_with_one_flipped_bit_is_not_used(world: World, place: int) -> None:
    [key] = world.objects
    content = bytearray(world.objects[key])
    content[place] ^= 1
    world.objects[key] = bytes(content)
    with pytest.raises(ContractMismatch):
        world.access.contract(in_force(world).contract)


def test_a_contract_that_is_missing_is_not_used(world: World) -> None:
    world.objects.clear()
    with pytest.raises(ContractMismatch):
        world.access.contract(in_force(world).contract)


def test_without_the_key_nothing_is_scored(world: World) -> None:
    del world.parameters[f"{PREFIX}/draw-key"]
    with pytest.raises(TransientFault, match="draw-key"):
        in_force(world)
