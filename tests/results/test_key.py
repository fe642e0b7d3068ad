from __future__ import annotations

from harness.results import RunKey


def test_a_key_names_what_is_off() -> None:
    assert str(RunKey("a[b]", "hardened", ("x.y", "z:eager"))) == "a[b]@hardened-x.y-z=eager"


def test_a_long_key_is_still_a_files_name_and_still_its_own() -> None:
    names = tuple(f"protection.{number}" for number in range(40))
    one, other = str(RunKey("a", "p", names)), str(RunKey("a", "p", names[:-1]))
    assert len(one) == len(other) == 200
    assert one != other
