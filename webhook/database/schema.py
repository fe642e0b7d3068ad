"""The one table, and the statements on it."""

from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql

metadata = MetaData()

deliveries = Table(
    "deliveries",
    metadata,
    Column("source", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""`sha256` is the body's digest in hex. The primary key decides what is a repeat."""

KEY_NAME = "deliveries_pkey"

_VALUES: dict[str, BindParameter[Any]] = {name: bindparam(name) for name in ("source", "id", "sha256", "body")}

INSERT_ONCE = (
    postgresql.insert(deliveries)
    .values(_VALUES)
    .on_conflict_do_nothing(index_elements=[deliveries.c.source, deliveries.c.id])
    .returning(deliveries.c.received_at)
)
INSERT_ALWAYS = insert(deliveries).values(_VALUES).returning(deliveries.c.received_at)

_IS_IT = (deliveries.c.source == bindparam("source"), deliveries.c.id == bindparam("id"))
FIND = select(deliveries.c.sha256, deliveries.c.received_at).where(*_IS_IT).limit(1)
FIND_AND_LOCK = FIND.with_for_update(read=True, key_share=True)
"""The lock is written to the log, so that the COMMIT waits for the standby, as the COMMIT of the row itself should
have."""
FIND_WITH_BODY = select(deliveries.c.sha256, deliveries.c.received_at, deliveries.c.body).where(*_IS_IT).limit(1)
