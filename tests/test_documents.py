"""What is wrong with a file is said by place, key, value, nearest valid one and mend, whatever kind of file it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, Field, model_validator

from harness.documents import Expression, Table, Text, check_document, check_schema, read_document, read_json, wrong
from harness.errors import UsageError


def _even(number: int) -> int:
    if number % 2:
        raise wrong("is odd", "write an even number")
    return number


def _known(word: str) -> str:
    if word not in ("left", "right"):
        raise wrong("no such side", "", valid=["left", "right"])
    return word


def _of_wood(word: str) -> str:
    if word != "wood":
        raise ValueError("Not of wood")
    return word


class Leg(Table):
    id: Text
    side: Annotated[str, AfterValidator(_known)] = "left"
    made: Annotated[str, AfterValidator(_of_wood)] = "wood"
    toes: tuple[Annotated[int, AfterValidator(_even)], ...] = ()


class Animal(Table):
    schema_: Literal["zoo/1"] = Field(alias="schema")
    name: Expression
    legs: tuple[Leg, ...] = ()
    eats: dict[str, Leg] = Field(default={})
    tame: bool = Field(default=False, strict=True)
    wild: bool = Field(default=False, strict=True)

    @model_validator(mode="after")
    def _tame_or_wild(self) -> Animal:
        if self.tame and self.wild:
            raise wrong("a tame one is not wild", "leave one of the two out", key="wild")
        return self


@pytest.mark.parametrize(
    ("changes", "said", "mend"),
    [
        ({"nam": 1}, "zoo.toml: nam = 1: there is no such key; closest valid: 'name'", "write 'name'"),
        ({"name": 5}, "zoo.toml: name = 5: needs a text", "write a text"),
        ({"name": "("}, "zoo.toml: name = '(': not a regular expression", "mend the expression"),
        ({"legs": 4}, "zoo.toml: legs = 4: needs a list", "write a list"),
        ({"legs": [1]}, "zoo.toml: legs[0] = 1: needs a table", "write a table"),
        ({"legs": [{}]}, "zoo.toml: legs[0]: id = None: this key is missing", "add id to legs[0]"),
        ({"legs": [{"id": "a"}, {"id": " "}]}, "zoo.toml: legs[1] ( ): id = ' ': needs a text", "write what"),
        ({"legs": [{"id": "a", "sid": "left"}]}, "legs[0] (a): sid = 'left': there is no such key; closest", "'side'"),
        ({"legs": [{"id": "a", "side": "lft"}]}, "side = 'lft': no such side; closest valid: 'left'", "write 'left'"),
        ({"legs": [{"id": "a", "toes": [2, 3]}]}, "zoo.toml: legs[0] (a): toes[1] = 3: is odd", "an even number"),
        ({"legs": [{"id": "a", "made": "tin"}]}, "legs[0] (a): made = 'tin': not of wood", "mend made: not of wood"),
        ({"eats": {"hay": {}}}, "zoo.toml: [eats.hay]: id = None: this key is missing", "add id to [eats.hay]"),
        ({"eats": {"a.b": {"id": 1}}}, 'zoo.toml: [eats."a.b"]: id = 1: needs a text', "write a text"),
        ({"tame": 1}, "zoo.toml: tame = 1: needs true or false", "write true or false"),
        ({"tame": True, "wild": True}, "zoo.toml: wild = True: a tame one is not wild", "leave one"),
        ({"tame": 1, "legs": 4}, "zoo.toml: legs = 4: needs a list (and 1 more)", "write a list"),
        ({"tame": 1, "tam": 4}, "zoo.toml: tam = 4: there is no such key (and 1 more); closest", "write 'tame'"),
    ],
)
def test_each_problem_is_said_with_its_place_and_its_mend(changes: dict[str, object], said: str, mend: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_document(Animal, {"schema": "zoo/1", "name": "cow", **changes}, place="zoo.toml")
    assert said in caught.value.message
    assert mend in caught.value.hint


def test_a_good_one_is_returned() -> None:
    data = {"schema": "zoo/1", "name": "cow", "legs": [{"id": "front", "toes": [2]}]}
    assert check_document(Animal, data, place="zoo.toml").legs == (Leg(id="front", toes=(2,)),)


def test_a_file_that_no_person_edits_has_one_mend(tmp_path: Path) -> None:
    path = tmp_path / "cow.json"
    path.write_text('{"schema": "zoo/1"}', "utf-8")
    with pytest.raises(UsageError, match="name = None: this key is missing") as caught:
        read_document(Animal, path, schema="zoo/1", mend="have it written again")
    assert caught.value.hint == "have it written again"


@pytest.mark.parametrize("found", ["zoo/2", None, 3])
def test_another_version_is_refused_before_anything_else(found: object) -> None:
    with pytest.raises(UsageError, match=r"another kind or version of file; .*valid: zoo/1"):
        check_schema({"schema": found, "tame": 1}, place="zoo.toml", schema="zoo/1")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON: Expecting"),
        (b"[1]", "holds no JSON object"),
        (b"\xff\xfe", "cannot be read"),
        (b"[" * 100_000, "too deep or too large to read"),
        (b"9" * 5_000, "too deep or too large to read"),
    ],
)
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "cow.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        read_json(path, mend="name a cow")
    assert "name a cow" in caught.value.hint


def test_a_file_that_is_not_there_is_told_with_its_neighbours(tmp_path: Path) -> None:
    near = tmp_path / "cow.json"
    near.write_text("{}", "utf-8")
    with pytest.raises(UsageError, match=r"there is no such file; closest valid: '.*cow\.json'"):
        read_json(tmp_path / "cows.json", mend="name a cow", near=[near])
