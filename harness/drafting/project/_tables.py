"""Finds the table of the deliveries, in SQL and in SQLAlchemy's models and migrations, and how to list it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from harness.drafting.project._texts import first

CREATE = r"CREATE TABLE (?:IF NOT EXISTS )?[\"`]?"
TABLES = (
    re.compile(CREATE + r"(\w+)", re.IGNORECASE),
    re.compile(r"__tablename__ *= *[\"'](\w+)[\"']"),
    re.compile(r"create_table\(\s*[\"'](\w+)[\"']"),
    re.compile(r"\bTable\(\s*[\"'](\w+)[\"']"),
)
KEY = CREATE + r"{table}[\"`]?\s*\([^;]*?[\"`]?\b(\w+)[\"`]?\s+[^,;()]*?PRIMARY KEY"
MAPPED_KEY = r"__tablename__ *= *[\"']{table}[\"'](?:(?!\nclass ).)*?\b(\w+)\b[^\n=]*=[^\n]*primary_key *= *True"
TABLES_KEY = r"\bTable\(\s*[\"']{table}[\"'](?:(?!\bTable\().)*?\bColumn\(\s*[\"'](\w+)[\"'][^\n]*primary_key *= *True"
COLUMN = CREATE + r"{table}\b[^;]*?\b({column})\b"
LISTED = re.compile(r"SELECT (?P<column>\w+)(?: AS id)? FROM (?P<table>\w+)")
UUID_COLUMN = CREATE + r"{table}[\"`]?\s*\((?:[^;]*?[(,\s\"`])?({column})[\"`]?\s+uuid\b"
UUID_MAPPED = r"__tablename__ *= *[\"']{table}[\"'](?:(?!\nclass ).)*?\b({column})\b[^\n]*\bUUID\b"
UUID_IN_TABLE = (
    r"\bTable\(\s*[\"']{table}[\"'](?:(?!\bTable\().)*?\bColumn\(\s*[\"']({column})[\"']\s*,\s*[\w.]*\bUUID\b"
)
MAPPED_COLUMN = r"__tablename__ *= *[\"']{table}[\"'](?:(?!\nclass ).)*?\b({column})\b"


def table_of(path: str, texts: Mapping[str, str]) -> tuple[str, str]:
    """Return the table with the name of the delivery's path, or the first table, and its file."""
    found = [first(pattern, texts) for pattern in TABLES]
    named = [part for part in reversed(path.lower().split("/")) if re.fullmatch(r"\w+", part)]
    for part in named:
        for pattern in TABLES:
            table = re.compile(pattern.pattern.replace(r"(\w+)", rf"({part})\b"), pattern.flags)
            if first(table, texts)[0]:
                return first(table, texts)
    return next((each for each in found if each[0]), ("", ""))


def listing(table: str, texts: Mapping[str, str], id_fields: Sequence[str]) -> str:
    """Return the SQL that lists a table by the first column that may have a delivery's id, or by its key."""
    own = [each.replace("{column}", field) for field in id_fields for each in (COLUMN, MAPPED_COLUMN)]
    for expression in (*own, KEY, MAPPED_KEY, TABLES_KEY):
        pattern = re.compile(expression.replace("{table}", table), re.IGNORECASE | re.DOTALL)
        column, _ = first(pattern, texts)
        if column:
            return listing_by(column, table)
    return listing_by("id", table)


def lists_uuids(sql: str, texts: Mapping[str, str]) -> bool:
    """Return whether the column that this SQL lists as the id accepts only UUIDs."""
    listed = LISTED.fullmatch(sql)
    if listed is None:
        return False
    for expression in (UUID_COLUMN, UUID_MAPPED, UUID_IN_TABLE):
        named = expression.replace("{table}", listed["table"]).replace("{column}", listed["column"])
        if first(re.compile(named, re.IGNORECASE | re.DOTALL), texts)[1]:
            return True
    return False


def listing_by(column: str, table: str) -> str:
    """Return the SQL that lists a table by a column."""
    named = "id" if column.lower() == "id" else f"{column} AS id"
    return f"SELECT {named} FROM {table}"  # noqa: S608  # text for the user's file
