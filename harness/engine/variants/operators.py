"""Changes to values, before or after they are signed: lists of named operators, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

Text = Callable[[bytes], bytes]
T = TypeVar("T")

KELVIN, LONG_S, FULL_WIDTH_ONE, NO_BREAK = "\u212a".encode(), "\u017f".encode(), "\uff11".encode(), "\u00a0".encode()
"""Letters that fold to k and s, a digit that counts as 1, and a blank that HTTP does not know."""
LONG = 8192
SHORT = 28
"""A pattern that backtracks needs some ten seconds to find that this many letters do not match."""


def _middle(value: bytes, put: bytes) -> bytes:
    half = len(value) // 2
    return value[:half] + put + value[half:]


def _other(byte: int) -> bytes:
    """A letter other than this."""
    return b"A" if byte != ord("A") else b"B"


def _be(value: T) -> Callable[[object], T]:
    return lambda _: value


def _inside(put: str) -> Callable[[str], str]:
    return lambda text: f"{text}{put}x"


VALUES: Mapping[str, Text] = {
    "empty": _be(b""),
    "blank": _be(b"  "),
    "upper": bytes.upper,
    "lower": bytes.lower,
    "swapped case": bytes.swapcase,
    "first letter's case": lambda v: v[:1].swapcase() + v[1:],
    "blanks around": lambda v: b"  " + v + b"  ",
    "tabs around": lambda v: b"\t" + v + b"\t",
    "form feeds around": lambda v: b"\x0c" + v + b"\x0c",
    "no-break spaces around": lambda v: NO_BREAK + v + NO_BREAK,
    "blank inside": lambda v: _middle(v, b" "),
    "tab inside": lambda v: _middle(v, b"\t"),
    "control inside": lambda v: _middle(v, b"\x01"),
    "NUL inside": lambda v: _middle(v, b"\x00"),
    "DEL behind": lambda v: v + b"\x7f",
    "Latin-1 behind": lambda v: v + b"\xe9",
    "Latin-1 no-break space behind": lambda v: v + b"\xa0",
    "Kelvin sign behind": lambda v: v + KELVIN,
    "long s behind": lambda v: v + LONG_S,
    "full-width digit behind": lambda v: v + FULL_WIDTH_ONE,
    "item before": lambda v: b"x " + v,
    "item behind": lambda v: v + b" x",
    "like item before": lambda v: _other(v[0]) + v[1:] + b" " + v if v else v,
    "like item behind": lambda v: v + b" " + _other(v[0]) + v[1:] if v else v,
    "malformed item before": lambda v: v.partition(b",")[0] + b",% " + v,
    "malformed item behind": lambda v: v + b" " + v.partition(b",")[0] + b",%",
    "broken base64 before": lambda v: v.partition(b",")[0] + b",QUJD= " + v,
    "twice": lambda v: v + b" " + v,
    "twice, two blanks": lambda v: v + b"  " + v,
    "twice, a tab": lambda v: v + b"\t" + v,
    "twice, a comma": lambda v: v + b"," + v,
    "comma before": lambda v: b"," + v,
    "comma behind": lambda v: v + b",",
    "parameter behind": lambda v: v + b"; x=1",
    "semicolon behind": lambda v: v + b";",
    "equals behind": lambda v: v + b"=",
    "full stop behind": lambda v: v + b".",
    "quoted": lambda v: b'"' + v + b'"',
    "long": lambda v: v + b"x" * LONG,
    "many items before": lambda v: (v[:-1] + b" ") * 20 + v,
    "a wrong end": lambda v: (v * SHORT)[:SHORT] + b"!",
    "first changed": lambda v: _other(v[0]) + v[1:] if v else v,
    "last changed": lambda v: v[:-1] + _other(v[-1]) if v else v,
    "last cut off": lambda v: v[:-1],
}
"""Of any header's value, after signing."""

NUMBERS: Mapping[str, Callable[[int], str]] = {
    "one more": lambda n: str(n + 1),
    "one less": lambda n: str(n - 1),
    "leading zero": lambda n: f"0{n}",
    "plus": lambda n: f"+{n}",
    "negative": lambda n: f"-{n}",
    "fraction": lambda n: f"{n}.0",
    "half": lambda n: f"{n}.5",
    "exponent": lambda n: f"{n}e0",
    "hexadecimal": hex,
    "underscore": lambda n: f"{str(n)[:1]}_{str(n)[1:]}",
    "zero": _be("0"),
    "thousandfold": lambda n: f"{n}000",
    "huge": _be("9" * 12),
    "huger": _be("9" * 5000),
    "full-width": lambda n: "".join(chr(0xFF10 + int(digit)) for digit in str(n)),
    "not a number": _be("NaN"),
}
"""Of a header's value that is a whole number."""

IDS: Mapping[str, Callable[[str], str]] = {
    "upper": lambda i: f"{i}-ABC",
    "lower": lambda i: f"{i}-abc",
    **{f"with {each!r}": _inside(each) for each in "._=+:~-,;/%!*'()@&$#?|\\<>[]{}^`\""},
    "blank inside": lambda i: f"{i} x",
    "tab inside": lambda i: f"{i}\tx",
    "blank behind": lambda i: f"{i} ",
    "Latin-1": lambda i: f"{i}é",
    "Kelvin sign": lambda i: f"{i}\u212a",
    "long s": lambda i: f"{i}\u017f",
    "full-width digit": lambda i: f"{i}\uff11",
    "Arabic digit": lambda i: f"{i}\u0661",
    "Greek": lambda i: f"{i}\u03b1",
    "emoji": lambda i: f"{i}🧨",
    "dotted only": _be("."),
    "128 long": lambda i: i.ljust(128, "x"),
    "129 long": lambda i: i.ljust(129, "x"),
    "1000 long": lambda i: i.ljust(1000, "x"),
}
"""Of the delivery's id, before signing."""

READ_IDS: Mapping[str, Callable[[str], str]] = {
    "upper": str.upper,
    "capital": str.capitalize,
    "last cut off": lambda i: i[:-1],
    "longer": lambda i: f"{i}0",
    "any letter": lambda i: f"{i[:-1]}_",
    "any letters": lambda i: f"{i[:-3]}%25",
    **{f"with {each!r}": _inside(each) for each in ".+:~ ;*'"},
    "Kelvin sign": lambda i: f"{i}%E2%84%AA",
    "129 long": lambda i: i.ljust(129, "x"),
    "empty": _be(""),
}
"""Of the id that a read asks for; as the path has it."""

SOURCES: Mapping[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "swapped case": str.swapcase,
    "capital": str.capitalize,
    **{f"with {each!r}": _inside(each) for each in "._-~+:,;@!*'()&$="},
    **{
        f"with {each}": _inside(each)
        for each in ("%20", "%2E", "%2F", "%5F", "%C3%A9", "%E2%84%AA", "%EF%BC%91", "%00", "%0A", "%E9", "%")
    },
    "a wrong end": lambda s: s.ljust(SHORT, "x") + "!",
    "64 long": lambda s: s.ljust(64, "x"),
    "65 long": lambda s: s.ljust(65, "x"),
    "blank behind": lambda s: f"{s}%20",
    "line end behind": lambda s: f"{s}%0A",
    "empty": _be(""),
}
"""Of the delivery's source, before signing; as the path has it."""

BODIES: Mapping[str, Text] = {
    "empty": _be(b""),
    "one byte": _be(b"1"),
    "broken": _be(b"{"),
    "blank only": _be(b" "),
    "line end behind": lambda b: b + b"\n",
    "line ends around": lambda b: b"\r\n" + b + b"\r\n",
    "form feed behind": lambda b: b + b"\x0c",
    "NUL behind": lambda b: b + b"\x00",
    "no-break space behind": lambda b: b + NO_BREAK,
    "BOM before": lambda b: b"\xef\xbb\xbf" + b,
    "UTF-16": lambda b: b.decode("latin-1").encode("utf-16"),
    "invalid UTF-8": _be(b'"\xff"'),
    "overlong UTF-8": _be(b'"\xc0\xaf"'),
    "surrogate in UTF-8": _be(b'"\xed\xa0\x80"'),
    "NUL in text": _be(b'"\x00"'),
    "line end in text": _be(b'"\n"'),
    "escaped NUL": _be(b'"\\u0000"'),
    "escaped half of a pair": _be(b'"\\ud800"'),
    "all letters": _be('"é\u212a\u017f\uff11🧨\u2028"'.encode()),
    "composed": _be('"e\u0301 \u1e9b\u0323"'.encode()),
    "text": _be(b'"x"'),
    "null": _be(b"null"),
    "true": _be(b"true"),
    "list": _be(b"[]"),
    "object": _be(b"{}"),
    "NaN": _be(b"NaN"),
    "Infinity": _be(b"[-Infinity]"),
    "large number": _be(b"1e999"),
    "small number": _be(b"1e-999"),
    "minus zero": _be(b"-0.0"),
    "leading zero": _be(b"01"),
    "plus": _be(b"+1"),
    "long number": _be(b"9" * 5000),
    "hexadecimal": _be(b"0x10"),
    "same key twice": _be(b'{"a":1,"a":2}'),
    "single quotes": _be(b"{'a':1}"),
    "comment": _be(b"/**/1"),
    "two documents": _be(b"1 2"),
    "two lines": _be(b"{}\n{}"),
    "nested 100": _be(b"[" * 100 + b"]" * 100),
    "nested 100000": _be(b"[" * 100_000 + b"]" * 100_000),
    "form": _be(b"a=1&b=2"),
}
"""Of the body, before signing."""

SIGNED_BODIES: Mapping[str, Text] = {
    "first changed": lambda b: _other(b[0]) + b[1:] if b else b,
    "last changed": lambda b: b[:-1] + _other(b[-1]) if b else b,
    "last cut off": lambda b: b[:-1],
    "blank behind": lambda b: b + b" ",
    "line end behind": lambda b: b + b"\n",
    "line end before": lambda b: b"\n" + b,
    "swapped case": bytes.swapcase,
    "twice": lambda b: b + b,
    "empty": _be(b""),
}
"""Of the body, after signing."""

AGES_S: Mapping[str, float] = {
    "a day": 86_400, "305 s": 305, "295 s": 295, "-295 s": -295, "-305 s": -305, "-a day": -86_400,
    "since 1970": 1e9,
}  # fmt: skip
"""How long ago it was signed, for a sender that can say so."""
