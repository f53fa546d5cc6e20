"""How we behaved as a guest: requests counted by kind, of one feed or of all."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select

from aggregator.store.schema import REQUESTS, feed_day

_SUMMED = ("checks", "ok", *REQUESTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Politeness:
    """Checks since a day by how they ended, and what else was asked of hosts."""

    checks: int = 0
    ok: int = 0
    not_modified: int = 0  # 304
    same_body: int = 0  # 200 with the body of the last check
    unconditional: int = 0  # without a validator
    early: int = 0  # before the host wanted to be asked again
    pages: int = 0  # older ones, after a gap
    articles: int = 0
    articles_failed: int = 0

    @property
    def failed(self) -> int:
        """Checks that brought nothing."""
        return self.checks - self.ok

    @property
    def changed(self) -> int:
        """200s with a new document."""
        return self.ok - self.not_modified - self.same_body

    @property
    def share(self) -> float | None:
        """Of the checks that brought nothing new, the share that were 304: 0 to 1, None when there were none."""
        unchanged = self.not_modified + self.same_body
        return self.not_modified / unchanged if unchanged else None


def politeness(connection: Connection, *, since: date, feed_id: str | None = None) -> Politeness:
    """The sums from a UTC day on, that day included; of all feeds unless one is named."""
    sums = [func.coalesce(func.sum(feed_day.c[name]), 0).label(name) for name in _SUMMED]
    query = select(*sums).where(feed_day.c.day >= since)
    if feed_id is not None:
        query = query.where(feed_day.c.feed_id == feed_id)
    row = connection.execute(query).one()
    return Politeness(**{name: int(value) for name, value in row._mapping.items()})  # noqa: SLF001 - SQLAlchemy's public name
