"""Statements on many rows of the table: one array per column, so that the text is the same for any number of rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, bindparam, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql

from webhook.database.schema import deliveries
from webhook.delivery import Delivery

_COLUMNS = (deliveries.c.source, deliveries.c.id, deliveries.c.sha256, deliveries.c.body)
_NAMES = tuple(column.name for column in _COLUMNS)
_KEY_NAMES = _NAMES[:2]


def _rows_of(names: Sequence[str]) -> Any:
    arrays = (bindparam(name, type_=ARRAY(deliveries.c[name].type)) for name in names)
    rows = func.unnest(*arrays).table_valued(*names, name="given").render_derived()
    return select(*(rows.c[name] for name in names))


_KEY_AND_TIME = (deliveries.c.source, deliveries.c.id, deliveries.c.received_at)
INSERT_ALL_ONCE = (
    postgresql.insert(deliveries)
    .from_select(_NAMES, _rows_of(_NAMES))
    .on_conflict_do_nothing(index_elements=[deliveries.c.source, deliveries.c.id])
    .returning(*_KEY_AND_TIME)
)
"""It returns only the new rows."""
INSERT_ALL_ALWAYS = insert(deliveries).from_select(_NAMES, _rows_of(_NAMES)).returning(*_KEY_AND_TIME)
FIND_ALL = select(*_KEY_AND_TIME, deliveries.c.sha256).where(
    tuple_(deliveries.c.source, deliveries.c.id).in_(_rows_of(_KEY_NAMES))
)
FIND_ALL_AND_LOCK = FIND_ALL.with_for_update(read=True, key_share=True)


def arrays_of(rows: Sequence[Delivery]) -> Mapping[str, Sequence[Any]]:
    """Return the parameters of `INSERT_ALL_ONCE`."""
    return {name: [getattr(row, name) for row in rows] for name in _NAMES}


def keys_of(rows: Sequence[Delivery]) -> Mapping[str, Sequence[str]]:
    """Return the parameters of `FIND_ALL`."""
    return {name: [getattr(row, name) for row in rows] for name in _KEY_NAMES}
