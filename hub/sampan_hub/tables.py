"""The broker's tables. A change here needs a new version under `migrations/versions`; a test compares the two."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    true,
)

__all__ = [
    "METADATA",
    "attempts",
    "checks",
    "entries",
    "keys",
    "launches",
    "pictures",
    "providers",
    "revisions",
    "transitions",
    "uses",
    "waits",
]

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
# A value that is absent is SQL's NULL, so that `IS NULL` means what it says.
_DOCUMENT = JSON(none_as_null=True)

launches: Final = Table(
    "launches",
    METADATA,
    Column("id", String(12), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("need", _DOCUMENT, nullable=False),
    Column("options", _DOCUMENT, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("target", String(16), nullable=False),
    Column("parent", ForeignKey("launches.id"), index=True),
    Column("door_port", Integer),
    Column("created_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("cause", _DOCUMENT),
    Column("stage", String(16), nullable=False),
    Column("progress", Integer, nullable=False),
    Column("message", _DOCUMENT, nullable=False),
    Column("identity_attempt", Integer),
    Column("crowd", Text),
)
_live_launch = launches.c.ended_at.is_(None)
# Clicking twice is not two jobs: the database says so, whoever asks at the same moment.
Index(
    "uq_launches_live",
    launches.c.owner,
    launches.c.kind,
    launches.c.name,
    unique=True,
    sqlite_where=_live_launch,
    postgresql_where=_live_launch,
)
Index("ix_launches_owner_created_at", launches.c.owner, launches.c.created_at)

keys: Final = Table(
    "keys",
    METADATA,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("launch", ForeignKey("launches.id"), nullable=False),
    Column("at", Double, nullable=False),
)
"""Idempotency keys: which launch each of an owner's requests was answered with."""

attempts: Final = Table(
    "attempts",
    METADATA,
    Column("launch", ForeignKey("launches.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("centre", Text, nullable=False),
    Column("share", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("tag", Text, nullable=False, unique=True),
    Column("submit_began_at", Double),
    Column("job", Text),
    Column("stage", String(16), nullable=False),
    Column("stage_at", Double, nullable=False),
    Column("seen", String(16), nullable=False),
    Column("seen_at", Double),
    Column("node", Text),
    Column("place", Integer),
    Column("report", _DOCUMENT),
    Column("cause", _DOCUMENT),
    Column("tail", Text),
    Column("created_at", Double, nullable=False),
    Column("submitted_at", Double),
    Column("queued_at", Double),
    Column("running_at", Double),
    Column("ready_at", Double),
    Column("cancel_requested_at", Double),
    Column("ended_at", Double),
    Column("predicted", Double),
    Column("ahead", Integer),
    Column("minutes", Integer),
    Column("rival", Boolean, nullable=False, server_default=false()),
)
"""Rows of the first versions have no `minutes`: those of their launch's need."""
_live_attempt = attempts.c.ended_at.is_(None)
# At most one live job a launch, and one that may take its place; also after a crash between two steps.
Index(
    "uq_attempts_live",
    attempts.c.launch,
    attempts.c.rival,
    unique=True,
    sqlite_where=_live_attempt,
    postgresql_where=_live_attempt,
)

transitions: Final = Table(
    "transitions",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("launch", ForeignKey("launches.id"), nullable=False),
    Column("attempt", Integer),
    Column("at", Double, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("seen", String(16), nullable=False),
    Column("centre", Text),
    Column("progress", Integer, nullable=False),
    Column("message", _DOCUMENT, nullable=False),
    Column("final", String(16)),
    ForeignKeyConstraint(["launch", "attempt"], ["attempts.launch", "attempts.number"]),
    # A follower resumes after the last number it has seen: none may ever come again.
    sqlite_autoincrement=True,
)
Index("ix_transitions_launch_number", transitions.c.launch, transitions.c.number)

waits: Final = Table(
    "waits",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("centre", Text, nullable=False),
    Column("share", Text, nullable=False),
    Column("predicted", Double),
    Column("seconds", Double, nullable=False),
    Column("at", Double, nullable=False),
    Column("cores", Integer),
    Column("minutes", Integer),
    Column("ahead", Integer),
    Column("started", Boolean, nullable=False, server_default=true()),
)
"""How long jobs waited. Rows of the first version have no `cores`: under which conditions they waited is not known."""
Index("ix_waits_at", waits.c.at)

entries: Final = Table(
    "entries",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("provider", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", _DOCUMENT),
    Column("revision", Integer, nullable=False),
    Column("document", _DOCUMENT, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("modified_at", Double, nullable=False),
    Column("uses", Integer, nullable=False, server_default="0"),
    Column("west", Double),
    Column("south", Double),
    Column("east", Double),
    Column("north", Double),
    Column("starts", Double),
    Column("ends", Double),
    Column("verified_at", Double),
    Column("found", _DOCUMENT),
    Column("source", Text),
)
"""The catalogue as it is now: one row a version of a product. `west` to `ends`: its extent in degrees and seconds.

`verified_at`: when it was last seen to be sound, and `found` what its data turned out to be; `source`: whence it was harvested.
"""
Index("uq_entries_ref", entries.c.provider, entries.c.name, entries.c.version, unique=True)

checks: Final = Table(
    "checks",
    METADATA,
    Column("entry", ForeignKey("entries.number"), primary_key=True),
    Column("what", Text, primary_key=True),
    Column("centre", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("sound", Boolean, nullable=False),
    Column("reason", _DOCUMENT),
    Column("how", _DOCUMENT, nullable=False),
    Column("seen", _DOCUMENT),
)
"""What was last seen of each copy and installation at each centre."""

pictures: Final = Table(
    "pictures",
    METADATA,
    Column("entry", ForeignKey("entries.number"), primary_key=True),
    Column("at", Double, nullable=False),
    Column("png", LargeBinary, nullable=False),
)
"""A preview of what an entry's data hold."""

providers: Final = Table(
    "providers",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("sort", String(16), nullable=False),
    Column("standing", String(16), nullable=False),
    Column("founder", Text, nullable=False),
    Column("document", _DOCUMENT, nullable=False),
    Column("reason", _DOCUMENT),
    Column("asked_at", Double, nullable=False),
    Column("decided_at", Double),
    Column("decided_by", Text),
)
"""Who asked to publish as a provider, and what became of it."""

revisions: Final = Table(
    "revisions",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entries.number"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("by", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", _DOCUMENT),
    Column("document", _DOCUMENT, nullable=False),
    # What is found by words follows this log by its numbers: none may ever come again.
    sqlite_autoincrement=True,
)
"""Everything that was ever said of an entry; rows are only added."""
Index("uq_revisions_entry_revision", revisions.c.entry, revisions.c.revision, unique=True)

uses: Final = Table(
    "uses",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entries.number"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("person", Text, nullable=False),
    Column("centre", Text),
    Column("replica", Text),
)
"""Who opened what, and which copy of it."""
Index("ix_uses_entry_at", uses.c.entry, uses.c.at)
