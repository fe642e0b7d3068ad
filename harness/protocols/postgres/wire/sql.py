"""A minimal SQL lexer: it separates statements, literals and comments."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["TOKEN", "statements", "up_to_a_value"]

# A literal or a comment that does not end (the text was cut) runs to the end of the text.
TOKEN: Final = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
      | (?P<literal>[eE]'[^'\\]*(?:(?:\\.|'')[^'\\]*)*(?:'|\Z)
          | (?:[bBxXnN]|[uU]&)?'[^']*(?:''[^']*)*(?:'|\Z)
          | (?P<dollar>\$(?:[A-Za-z_]\w*)?\$).*?(?:(?P=dollar)|\Z))
      | (?P<parameter>\$\d+|%s|%\(\w+\)s)
      | (?P<name>"[^"]*(?:""[^"]*)*(?:"|\Z)|[^\W\d][\w$]*)
      | (?P<number>0[xX][0-9a-fA-F_]+|(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<space>\s+)
      | (?P<end>;)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def statements(sql: str) -> list[str]:
    """Return the statements of a text, without leading white space and comments, and without empty ones.

    A semicolon in a literal, a quoted name or a comment ends nothing. The body of an SQL function (BEGIN ATOMIC) is not
    recognised: a text that begins with CREATE is one statement.
    """
    begin = _beginning(sql, 0)
    if ";" not in sql or sql[begin : begin + 6].upper() == "CREATE":
        return [sql[begin:]] if begin < len(sql) else []
    found = []
    for token in TOKEN.finditer(sql, begin):
        if token.lastgroup == "end":
            found.append(sql[begin : token.start()])
            begin = token.end()
    return [each[_beginning(each, 0) :] for each in [*found, sql[begin:]] if _beginning(each, 0) < len(each)]


def up_to_a_value(sql: str, end: int) -> str:
    """Return the beginning of a text, without the literal, name or number that contains the place `end`.

    For example, `SELECT 1 WHERE id = ` of `SELECT 1 WHERE id = 'order-17'`, if the end lies in the order's id.
    """
    cut = next((token for token in TOKEN.finditer(sql) if token.start() < end <= token.end()), None)
    if cut is None or (end == cut.end() and cut.lastgroup != "number"):
        return sql[:end].rstrip()
    return sql[: cut.start() if cut.lastgroup in ("literal", "name", "number") else end].rstrip()


def _beginning(sql: str, position: int) -> int:
    for token in TOKEN.finditer(sql, position):
        if token.lastgroup not in ("space", "comment"):
            return token.start()
    return len(sql)
