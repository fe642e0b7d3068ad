"""Finds in a Rust project what its program is called, and the routes that axum serves."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from harness.drafting.project._body import Body, with_id
from harness.drafting.project._headers import id_header
from harness.drafting.project._python_routes import METHODS, Route

ROUTED = re.compile(r"\.route\(\s*\"(/[^\"]*)\"\s*,")
HANDLED = re.compile(rf"\b({'|'.join(METHODS)})\(\s*([\w:]*)")
NUMBERED = re.compile(r"\bPath(?:\(\w+\))?\s*(?::\s*Path)?<[iu](?:32|64)>")
TAKEN = re.compile(r"\bJson(?:\(\w+\))?\s*(?::\s*(?:Result<)?Json)?<(\w+)>")
STRUCT = re.compile(r"struct (\w+)\s*\{([^}]*)\}")
FIELD = re.compile(r"(?:pub )?(\w+):\s*([\w:<>]+)")
PLAIN = {"String": "text", "bool": True, **dict.fromkeys(("i32", "i64", "u32", "u64", "f64"), 1)}


def program_of(folder: Path) -> str:
    """The path of the program that `cargo build --release` makes; empty without a package."""
    try:
        read = tomllib.loads((folder / "Cargo.toml").read_text("utf-8"))
    except ValueError:
        return ""
    name = read.get("package", {}).get("name", "")
    return f"./target/release/{name}" if name else ""


def rust_routes(text: str) -> Iterator[Route]:
    """Return the routes of one source."""
    found = list(ROUTED.finditer(text))
    ends = [*(each.start() for each in found[1:]), len(text)]
    for match, end in zip(found, ends, strict=False):
        for method, handler in HANDLED.findall(text[match.end() : end].partition(";")[0]):
            head = _head(handler.rpartition(":")[2], text)
            numbered = NUMBERED.search(head) is not None
            yield Route(method.upper(), match[1], id_header=id_header(text), numbered=numbered)


def body_in_rust(method: str, path: str, text: str) -> Body | None:
    """Return a body of the struct that the handler of a route reads a document into; None without one."""
    for routed in ROUTED.finditer(text):
        if routed[1] == path:
            named = dict(HANDLED.findall(text[routed.end() :].partition(";")[0]))
            taken = TAKEN.search(_head(named.get(method.lower(), "").rpartition(":")[2], text))
            structs = dict(STRUCT.findall(text))
            if taken is not None and taken[1] in structs:
                fields = FIELD.findall(structs[taken[1]])
                return with_id({name: PLAIN[of] for name, of in fields if of in PLAIN})
    return None


def _head(function: str, text: str) -> str:
    """A function's name and parameters."""
    found = re.search(rf"\bfn {function}\s*(?:<[^{{]*?>)?\((.*?)\)\s*(?:->|\{{|where)", text, re.DOTALL)
    return "" if not function or found is None else found[1]
