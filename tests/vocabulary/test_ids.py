"""UUIDs that stand for the ids of deliveries, where a service takes nothing else."""

from __future__ import annotations

import re
import uuid

import pytest

from harness.vocabulary.ids import (
    EVERY_ID,
    EVERY_NUMBER,
    EVERY_UUID,
    Naming,
    id_of,
    named_by,
    number_of,
    seed_of,
    uuid_of,
)

SEED = "49289abcd6e6"


@pytest.mark.parametrize("index", [0, 7, 999_999, 1_234_567])
def test_a_uuid_stands_for_one_id_and_tells_it_again(index: int) -> None:
    name = f"{EVERY_ID}{SEED}_{index:06}"
    text = uuid_of(name)
    read = uuid.UUID(text)
    assert (str(read), read.version, read.variant) == (text, 4, uuid.RFC_4122)
    assert text.startswith(EVERY_UUID)
    for written in (text, text.upper(), read.hex):
        assert id_of(written) == name
        assert id_of(f"neighbour/{written}") == f"neighbour/{name}"
    assert re.fullmatch(named_by(SEED, Naming.UUID), text)
    assert re.fullmatch(named_by(SEED, Naming.UUID), read.hex)
    assert re.fullmatch(named_by(SEED), name)


def test_another_seed_and_another_id_have_another_uuid() -> None:
    names = [f"{EVERY_ID}{SEED}_000001", f"{EVERY_ID}{SEED}_000002", f"{EVERY_ID}{SEED[::-1]}_000001", "a", "b"]
    assert len({uuid_of(name) for name in names}) == len(names)
    assert not re.search(named_by(SEED, Naming.UUID), uuid_of(names[2]))


@pytest.mark.parametrize("text", ["msg_1", "6d73675f-0000-1000-8000-000000000000", str(uuid.UUID(int=1)), ""])
def test_what_is_no_uuid_of_a_delivery_stays(text: str) -> None:
    assert id_of(text) == text


def test_any_id_has_a_uuid() -> None:
    read = uuid.UUID(uuid_of("msg_1"))
    assert (read.version, read.variant) == (4, uuid.RFC_4122)


@pytest.mark.parametrize("index", [0, 7, 99_999, 1_234_567])
def test_a_number_stands_for_one_id_of_a_run_and_tells_it_again(index: int) -> None:
    seed = seed_of("a run")
    name = f"{EVERY_ID}{seed}_{index:06}"
    text = number_of(name)
    assert text.startswith(EVERY_NUMBER)
    assert int(text) < 2**53 or index > 99_999
    assert id_of(f"neighbour/{text}") == f"neighbour/{name}"
    assert re.fullmatch(named_by(seed, Naming.NUMBER), text)
    assert not re.fullmatch(named_by(seed_of("another run"), Naming.NUMBER), text)


def test_the_number_of_another_id_is_none_of_a_run() -> None:
    names = [f"{EVERY_ID}{SEED}_000001", f"{EVERY_ID}{SEED}_000002", "a", f"{EVERY_ID}{seed_of('a')}_00000"]
    numbers = {number_of(name) for name in names}
    assert len(numbers) == len(names)
    assert all(id_of(number) == number and len(number) == len("7370000000000000") for number in numbers)


@pytest.mark.parametrize("text", ["7379999999900001", "1737000000010000", "73700000001000012345", "737"])
def test_what_is_no_number_of_a_delivery_stays(text: str) -> None:
    assert id_of(text) == text
