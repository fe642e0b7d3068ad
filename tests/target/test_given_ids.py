"""What a target says about ids that the service gives is checked before it is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.target.support import DESCRIPTION, told, write


@pytest.mark.parametrize(
    ("table", "place", "mend"),
    [
        (
            '[reads.order]\npath = "/orders/{given}"',
            "[reads.order]: path = '/orders/{given}': the harness does not",
            "gives",
        ),
        (
            '[changes.more]\npath = "/orders/{given}"',
            "[changes.more]: path = '/orders/{given}': the harness does",
            "gives",
        ),
        ('[changes.more]\npath = "/orders/{idd}"', "[changes.more]: path = 'idd': ", ""),
        (
            '[changes.more]\npath = "/orders/{id}"\nheaders = { if-match = "{version}" }',
            "[changes.more]: {version} = 'more': the harness does not know where the service shows a version",
            "version = 'etag: (?P<version>.+)' in [sender]",
        ),
        ('[reads.more]\npath = "/orders/{version}"', "[reads.more]: path = 'version': ", ""),
    ],
)
def test_an_id_that_the_service_gives_is_described_before_it_is_named(
    tmp_path: Path, table: str, place: str, mend: str
) -> None:
    message, hint = told(write(tmp_path, DESCRIPTION.replace("[limits]", f"{table}\n\n[limits]")))
    assert place in message
    assert mend in (hint or "")


@pytest.mark.parametrize(
    ("old", "new", "place", "mend"),
    [
        ("[sender]\n", "[sender]\ngives = 'id (\\d+)'\n", "[sender]: gives", "put (?P<given>...)"),
        ("[sender]\n", "[sender]\nversion = 'etag: (.+)'\n", "[sender]: version", "put (?P<version>...)"),
        (
            "[stored]",
            "[stored]\nlisted = { path = '/', each = '(?P<id>.)(?P<body>.)', next = 'x' }\n[storred]",
            "[stored.listed]: next",
            "put (?P<path>...)",
        ),
    ],
)
def test_an_expression_without_its_group_is_told(tmp_path: Path, old: str, new: str, place: str, mend: str) -> None:
    text = DESCRIPTION.replace(old, new)
    message, hint = told(write(tmp_path, text.partition("[storred]")[0] if "[storred]" in text else text))
    assert place in message
    assert mend in (hint or "")


def test_a_list_of_ids_that_the_service_gives_needs_to_know_them(tmp_path: Path) -> None:
    stored = "[stored.listed]\npath = '/all'\neach = '(?P<given>.) (?P<digest>.)'\n\n[limits]"
    text = DESCRIPTION[: DESCRIPTION.index("[stored]")] + stored + DESCRIPTION.partition("[limits]")[2]
    message, hint = told(write(tmp_path, text))
    assert "[stored.listed]: each = " in message
    assert "gives" in (hint or "")
