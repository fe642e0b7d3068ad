"""The list of mutants: small changes for the worse, each with the scenario that must notice it.

A list is data that lies beside the suite: of the service it holds nothing but text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any, cast

from harness.checks.proof import CheckName, Proof
from harness.checks.reasons import check_reason
from harness.errors import UsageError

FILE = "mutants.toml"
SCHEMA = "harness.mutants/1"
TABLE = "mutant"
TOP = ("schema", "copies", TABLE)
IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change, by text, and who notices it.

    `file`: relative to the service's directory. `where`: the function or class by its dotted name, in
    which `before` stands exactly once; empty for the whole file. `scenario` fails by the check `fails`
    for the reason `match`, as a proof does; both runs go without the protections `without`. Or
    `equivalent` says why nobody can tell the mutant from the service.
    """

    id: str
    file: str
    where: str = ""
    before: str
    after: str
    scenario: str = ""
    fails: str = ""
    match: str = ""
    without: tuple[str, ...] = ()
    equivalent: str = ""

    @property
    def proof(self) -> Proof:
        """What must make its scenario fail: itself. Only of one that is not equivalent."""
        return Proof(
            protections=(self.id,), fails=cast("CheckName", self.fails), match=self.match, without=self.without
        )


@dataclass(frozen=True, slots=True)
class MutantList:
    """`copies`: what of the service's directory a mutated copy is made of."""

    path: Path
    copies: tuple[str, ...]
    mutants: tuple[Mutant, ...]

    def place(self, mutant: Mutant) -> str:
        """Where its entry stands, for a reader."""
        return f"{self.path}: {TABLE} {mutant.id}"

    def select(self, words: Sequence[str]) -> Sequence[Mutant]:
        """Return those that the words name by id or by file; all for no words. Raises UsageError."""
        valid = {name for each in self.mutants for name in (each.id, each.file)}
        for word in words:
            if word not in valid:
                raise UsageError.at("command line", "ID", word, "no mutant, and no file of one, has this name",
                                    valid=valid)  # fmt: skip
        return [each for each in self.mutants if not words or each.id in words or each.file in words]


KEYS = tuple(field.name for field in fields(Mutant))
TEXTS = tuple(name for name in KEYS if name != "without")


def read_mutants(path: Path, known_ids: Collection[str]) -> MutantList:
    """Read a list. `known_ids`: of every scenario of the suite. Raises UsageError."""
    data = _read(path)
    for key in data:
        if key not in TOP:
            raise UsageError.unknown_key(str(path), key, data[key], "there is no such key", valid=TOP)
    if data.get("schema") != SCHEMA:
        raise UsageError.at(str(path), "schema", data.get("schema"), "not a list of mutants", valid=[SCHEMA])
    copies = _texts(data.get("copies"), str(path), "copies", "['webhook'], say")
    raw = data.get(TABLE, [])
    if not isinstance(raw, list):
        raise UsageError.at(str(path), TABLE, raw, "not a list of tables", mend=f"write [[{TABLE}]]")
    mutants = tuple(_mutant(each, f"{path}: {TABLE}[{number}]", known_ids) for number, each in enumerate(raw, 1))
    _check_unique(mutants, path)
    return MutantList(path, copies, mutants)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        near = [str(found) for found in sorted(path.parent.glob("*.toml")) if "mutant" in found.name]
        mend = "" if near else "name a list of mutants; CONTRIBUTING.md says how one is written"
        raise UsageError.at(
            "--mutant-list", "file", str(path), "there is no such file", valid=near, mend=mend
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsageError(f"{path}: cannot be read: {problem}", hint="mend the line that it names") from problem


def _mutant(raw: Any, place: str, known_ids: Collection[str]) -> Mutant:
    if not isinstance(raw, dict):
        raise UsageError.at(place, TABLE, raw, "not a table", mend=f"write [[{TABLE}]], then id, file, before, after")
    for key in raw:
        if key not in KEYS:
            raise UsageError.unknown_key(place, key, raw[key], "there is no such key", valid=KEYS)
    for key in TEXTS:
        if key in raw and not isinstance(raw[key], str):
            raise UsageError.at(place, key, raw[key], "not a text", mend=f"write {key} = '...'")
    for key in ("id", "file", "before", "after"):
        if key not in raw or (key != "after" and not raw[key].strip()):  # what stands there may be taken out
            raise UsageError.at(place, key, raw.get(key), "needs a text", mend=f"add {key} = '...'")
    mutant = Mutant(**{**raw, "without": _texts(raw.get("without", []), place, "without", "['retry.database'], say")})
    _check_names(mutant, place)
    _check_noticed(mutant, place, known_ids)
    return mutant


def _texts(raw: Any, place: str, key: str, example: str) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(each, str) and each for each in raw):
        raise UsageError.at(place, key, raw, "not a list of texts", mend=f"write {key} = {example}")
    return tuple(raw)


def _check_names(mutant: Mutant, place: str) -> None:
    if not IDENTIFIER.fullmatch(mutant.id):
        mend = "begin with a-z or 0-9, go on with a-z 0-9 _ . -"
        raise UsageError.at(place, "id", mutant.id, "not a name that a folder can have", mend=mend)
    file = PurePosixPath(mutant.file)
    if file.is_absolute() or ".." in file.parts:
        raise UsageError.at(place, "file", mutant.file, "not below the service's directory", mend="name it from there")


def _check_noticed(mutant: Mutant, place: str, known_ids: Collection[str]) -> None:
    """Either a scenario, which there is, and a check of it, or why there is none."""
    if mutant.equivalent:
        if mutant.scenario or mutant.fails or mutant.match or mutant.without:
            problem = "what nobody can tell from the service, no scenario can"
            raise UsageError.at(place, "equivalent", mutant.equivalent, problem, mend="take it out, or the scenario")
        return
    if not mutant.scenario:
        mend = "name the scenario that notices it, or say in `equivalent` why none can"
        raise UsageError.at(place, "scenario", None, "this key is missing", mend=mend)
    if mutant.scenario not in known_ids:
        raise UsageError.at(place, "scenario", mutant.scenario, "no scenario has this id", valid=known_ids)
    check_reason(mutant.proof, place)


def _check_unique(mutants: Sequence[Mutant], path: Path) -> None:
    seen: set[str] = set()
    for mutant in mutants:
        if mutant.id in seen:
            raise UsageError.at(str(path), "id", mutant.id, "two mutants have this id", mend="rename one of them")
        seen.add(mutant.id)
