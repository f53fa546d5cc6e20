"""The settings as one frozen value; each field says beside its type how its text is read and what it is when unset."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, get_type_hints

from aggregator.settings import values
from aggregator.settings.values import Log, Secret

PREFIX = "AGGREGATOR_"


@dataclass(frozen=True, slots=True)
class Variable:
    """How a setting's text is read. A secret may also stand in the file that `NAME_FILE` names."""

    read: Callable[[str], object]
    default: str | None = None
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the environment may set, checked. Sizes are bytes; `None` is a setting left out."""

    config: Annotated[Path, Variable(Path, "feeds.yaml")]
    data_dir: Annotated[Path, Variable(Path, "data")]
    database: Annotated[str, Variable(values.database, secret=True)] = dataclasses.field(repr=False)
    engine: Annotated[str, Variable(values.one_of("embedded", "procrastinate"), "embedded")]
    listen: Annotated[tuple[str, int], Variable(values.listen, "127.0.0.1:8080")]
    base_url: Annotated[str | None, Variable(values.base_url)]
    secret: Annotated[Secret | None, Variable(Secret, secret=True)]
    allow_private: Annotated[tuple[IPv4Network | IPv6Network, ...], Variable(values.networks, "")]
    clock: Annotated[datetime | None, Variable(values.instant)]
    log: Annotated[Log, Variable(values.log, "human,info")]
    mail_transport: Annotated[str, Variable(values.one_of("smtp", "file", "maildir"))]
    mail_dir: Annotated[Path, Variable(Path)]
    mail_from: Annotated[str, Variable(values.sender, "Aggregator <aggregator@localhost>")]
    smtp_host: Annotated[str | None, Variable(str)]
    smtp_port: Annotated[int, Variable(values.port)]
    smtp_tls: Annotated[
        Literal["starttls", "implicit", "none"], Variable(values.one_of("starttls", "implicit", "none"), "starttls")
    ]
    smtp_user: Annotated[str | None, Variable(str)]
    smtp_password: Annotated[Secret | None, Variable(Secret, secret=True)]
    smtp_rate: Annotated[float, Variable(values.rate, "10")]
    smtp_connections: Annotated[int, Variable(values.whole, "4")]
    smtp_reuse: Annotated[int, Variable(values.whole, "100")]
    smtp_connect_timeout: Annotated[timedelta, Variable(values.span, "30s")]
    smtp_timeout: Annotated[timedelta, Variable(values.span, "60s")]
    smtp_data_timeout: Annotated[timedelta, Variable(values.span, "10m")]
    dkim_selector: Annotated[str | None, Variable(values.dns_name)]
    dkim_domain: Annotated[str | None, Variable(values.dns_name)]
    dkim_key: Annotated[Secret | None, Variable(Secret, secret=True)]
    bounce_address: Annotated[str | None, Variable(values.address)]
    bounce_mailbox: Annotated[str | None, Variable(values.mailbox)]
    bounce_password: Annotated[Secret | None, Variable(Secret, secret=True)]
    redirect_all_to: Annotated[str | None, Variable(values.address)]
    host_gap: Annotated[timedelta, Variable(values.duration, "1s")]
    concurrency: Annotated[int, Variable(values.whole, "48")]
    workers: Annotated[int, Variable(values.whole, "2")]
    parse_timeout: Annotated[timedelta, Variable(values.span, "10s")]
    parse_memory: Annotated[int, Variable(values.size, "512M")]
    fetch_timeout: Annotated[timedelta, Variable(values.span, "30s")]
    max_body: Annotated[int, Variable(values.size, "10M")]
    max_entries: Annotated[int, Variable(values.whole, "2000")]
    lease: Annotated[timedelta, Variable(values.span, "120s")]
    tick: Annotated[timedelta, Variable(values.span, "5s")]

    @property
    def database_shown(self) -> str:
        """The database's URL with its password masked."""
        return values.mask_password(self.database)


SETTINGS: dict[str, Variable] = {
    PREFIX + name.upper(): hint.__metadata__[0] for name, hint in get_type_hints(Settings, include_extras=True).items()
}
SECRETS = frozenset(name for name, variable in SETTINGS.items() if variable.secret)
