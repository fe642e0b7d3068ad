"""The list of mutants: small changes for the worse, each with the scenario that must notice it.

The list is a data file beside the suite. It contains the changed lines as text and no other part of the service.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, Field, model_validator

from harness.checks.proof import CheckName, Proof
from harness.checks.reasons import check_reason
from harness.documents import Table, Text, check_document, read_toml, wrong
from harness.errors import UsageError

FILE = "mutants.toml"
TABLE = "mutant"
IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")


def _identifier(text: str) -> str:
    if not IDENTIFIER.fullmatch(text):
        raise wrong("not a name that a folder can have", "begin with a-z or 0-9, go on with a-z 0-9 _ . -")
    return text


def _below_the_service(text: str) -> str:
    file = PurePosixPath(text)
    if file.is_absolute() or ".." in file.parts:
        raise wrong("not below the service's directory", "name it from there")
    return text


class Mutant(Table):
    """One change, by text, and the scenario that notices it.

    `file`: relative to the service's directory. `where`: the function or class by its dotted name, in which `before`
    stands exactly once; empty for the whole file. `after` may be empty: `before` is then removed. `scenario` fails by
    the check `fails` for the reason `match`, like a proof; in both runs the protections `without` are off. Or
    `equivalent` says why the mutant cannot be distinguished from the service.
    """

    id: Annotated[str, AfterValidator(_identifier)]
    file: Annotated[Text, AfterValidator(_below_the_service)]
    where: str = ""
    before: Text
    after: str
    scenario: str = ""
    fails: str = ""
    match: str = ""
    without: tuple[Text, ...] = ()
    equivalent: str = ""

    @model_validator(mode="after")
    def _scenario_or_equivalent(self) -> Mutant:
        noticed = self.scenario or self.fails or self.match or self.without
        if self.equivalent and noticed:
            problem = "no scenario can notice what cannot be told from the service"
            raise wrong(problem, "take it out, or the scenario", key="equivalent")
        if not self.equivalent and not self.scenario:
            mend = "name the scenario that notices it, or say in `equivalent` why none can"
            raise wrong("this key is missing", mend, key="scenario")
        return self

    @property
    def proof(self) -> Proof:
        """The proof that it makes its scenario fail. Only for one that is not equivalent."""
        return Proof(
            protections=(self.id,), fails=cast("CheckName", self.fails), match=self.match, without=self.without
        )


@dataclass(frozen=True, slots=True)
class MutantList:
    """`copies`: the part of the service's directory that is copied.

    `prepared_by`: its files and folders that the target's `prepare` uses. For a mutant of one of these files, its own
    copy prepares the database. None: for every mutant.
    """

    path: Path
    copies: tuple[str, ...]
    mutants: tuple[Mutant, ...]
    prepared_by: tuple[str, ...] | None = None

    def prepares(self, mutant: Mutant) -> bool:
        """Whether its database must be prepared by the mutant itself."""
        file = PurePosixPath(mutant.file)
        return self.prepared_by is None or any(file.is_relative_to(name) for name in self.prepared_by)

    def place(self, mutant: Mutant) -> str:
        """The position of its entry in the list, for messages."""
        return f"{self.path}: {TABLE} {mutant.id}"

    def select(self, words: Sequence[str]) -> Sequence[Mutant]:
        """Return the mutants that the words name by id or by file; all if there are no words. Raises UsageError."""
        valid = {name for each in self.mutants for name in (each.id, each.file)}
        for word in words:
            if word not in valid:
                raise UsageError.at("command line", "ID", word, "no mutant, and no file of one, has this name",
                                    valid=valid)  # fmt: skip
        return [each for each in self.mutants if not words or each.id in words or each.file in words]


class _File(Table):
    schema_: Literal["harness.mutants/1"] = Field(alias="schema")
    copies: tuple[Text, ...]
    prepared_by: tuple[Text, ...] | None = None
    mutant: tuple[Mutant, ...] = ()


def read_mutants(path: Path, known_ids: Collection[str]) -> MutantList:
    """Read a list. `known_ids`: of every scenario of the suite. Raises UsageError."""
    near = sorted(found for found in path.parent.glob("*.toml") if "mutant" in found.name)
    data = read_toml(path, mend="name a list of mutants; CONTRIBUTING.md describes its format", near=near)
    file = check_document(_File, data, place=str(path))
    listed = MutantList(path, file.copies, file.mutant, file.prepared_by)
    seen: set[str] = set()
    for mutant in file.mutant:
        place = listed.place(mutant)
        if mutant.id in seen:
            raise UsageError.at(place, "id", mutant.id, "two mutants have this id", mend="rename one of them")
        seen.add(mutant.id)
        if not mutant.equivalent:
            _check_noticed(mutant, place, known_ids)
    return listed


def _check_noticed(mutant: Mutant, place: str, known_ids: Collection[str]) -> None:
    """Refuse a scenario that the suite does not have, and a check or a reason that a proof could not have."""
    if mutant.scenario not in known_ids:
        raise UsageError.at(place, "scenario", mutant.scenario, "no scenario has this id", valid=known_ids)
    check_reason(mutant.proof, place)
