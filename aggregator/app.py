"""The composition root: settings in, a wired App out. Nothing is created at import time, and parts never hold the App."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from aggregator import __version__
from aggregator.channels import make_channels, make_signer
from aggregator.configure import Configurator
from aggregator.core.digests.address import domain_of, split_sender, wire_address
from aggregator.core.digests.letter import Postmaster
from aggregator.core.digests.tokens import Keyring
from aggregator.core.errors import StoreError
from aggregator.dispatch import Dispatcher, Opener, Returns, Sender
from aggregator.doctor import Level, data_folder
from aggregator.feedlist.changes import ChangePlan
from aggregator.fetch.client import Fetcher, FetchLimits
from aggregator.fetch.gate import HostGate
from aggregator.fetch.guard import Resolver
from aggregator.mail.mailbox import Mailbox, open_mailbox
from aggregator.mail.transport import Transport
from aggregator.refresh import Refresher, Visitor
from aggregator.replay import Replayer
from aggregator.settings import Settings, secret_lookup
from aggregator.store import audience, migrate, topics
from aggregator.store.database import Store
from aggregator.store.migrate import Schema
from aggregator.workers import Workers, reads_articles

Clock = Callable[[], datetime]

SECRET_BYTES = 32
RAW_FOLDER = "raw"  # in the data folder: the last body of each feed


@dataclass(slots=True, kw_only=True)
class App:
    """Everything one process needs, wired. Used as an async context manager where it fetches or sends.

    Worker processes start with `follow` or `keep_following`, one of which comes before any check.
    """

    settings: Settings
    clock: Clock
    store: Store
    fetcher: Fetcher
    workers: Workers
    refresher: Refresher
    dispatcher: Dispatcher
    replayer: Replayer
    configurator: Configurator
    returns: Returns | None = None  # where a mailbox is named into which mail comes back
    _versions: Mapping[str, int] | None = None  # of the topics that the workers match with
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self.fetcher)
        self._open.push_async_callback(self.workers.stop)
        self._open.push_async_callback(self.dispatcher.aclose)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()
        self.store.close()

    async def follow(self) -> ChangePlan:
        """Make feeds.yaml so, and match with its topics from now on; what changed. Raises ConfigError, and then nothing did."""
        planned = await self.configurator.apply(now=self.clock())
        await self.keep_following()
        return planned

    async def keep_following(self) -> None:
        """Match with the topics that were last applied, by whichever process; cheap while they are the same.

        It starts the worker processes when it is first called: nothing can be read before.
        """
        versions = await self.store.reading(topics.versions)
        self.fetcher.introduce(user_agent(self.settings, readers=await self.store.reading(audience.readers)))
        if versions != self._versions:
            await self.workers.set_topics(await self.store.reading(topics.listed))
            self._versions = versions


def make_clock(settings: Settings, *, runs_on: bool) -> Clock:
    """The one clock. `AGGREGATOR_CLOCK` sets its first instant: it stands still there, or runs on from it."""
    if settings.clock is None:
        return lambda: datetime.now(UTC)  # noqa: TID251 - the only place that reads the clock
    start = settings.clock.astimezone(UTC)
    if not runs_on:
        return lambda: start
    ahead = start - datetime.now(UTC)  # noqa: TID251 - as above
    return lambda: datetime.now(UTC) + ahead  # noqa: TID251 - as above


def prepare_database(settings: Settings, *, now: datetime, upgrade: bool) -> Schema:
    """Make sure the database has this program's schema; how it was found.

    An empty one is always made ready, an older one only with `upgrade`. Raises SchemaMismatchError or StoreError.
    """
    found = migrate.inspect_schema(settings.database)
    migrate.refuse(found)
    if found is Schema.EMPTY or (found is Schema.OLDER and upgrade):
        return migrate.upgrade(settings.database, now=now)
    if found is Schema.OLDER:
        raise StoreError("the database was made by an older aggregator", hint="run `aggregator db upgrade`")
    return found


def build(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    clock: Clock,
    resolve: Resolver | None = None,
    transports: Mapping[str, Transport] | None = None,
) -> App:
    """Wire an App. Tests replace the resolver, the transports and the clock here and patch nothing."""
    store = Store(settings.database)
    fetcher = make_fetcher(settings, resolve)
    workers = make_workers(settings)
    postmaster = make_postmaster(settings)
    carriers = {
        **make_channels(settings, fetcher, secrets=installation_secrets(settings), clock=clock),
        **(transports or {}),
    }
    lookup = secret_lookup(environ)
    refresher = Refresher(
        store=store,
        visitor=make_visitor(settings, store, fetcher, workers, clock=clock, secrets=lookup),
        clock=clock,
        token=new_token,
        lease=settings.lease,
        concurrency=settings.concurrency,
    )
    return App(
        settings=settings,
        clock=clock,
        store=store,
        fetcher=fetcher,
        workers=workers,
        refresher=refresher,
        dispatcher=make_dispatcher(settings, store, carriers, postmaster, clock),
        replayer=Replayer(store=store, workers=workers, clock=clock),
        configurator=make_configurator(settings, store, secrets=lookup),
        returns=make_returns(settings, store, clock),
    )


def make_visitor(
    settings: Settings, store: Store, fetcher: Fetcher, workers: Workers, *, clock: Clock, secrets: Mapping[str, str]
) -> Visitor:
    """What asks one feed, with the settings' caps; articles are read where the extra for it is installed."""
    return Visitor(
        store=store,
        fetcher=fetcher,
        workers=workers,
        clock=clock,
        secrets=secrets,
        max_entries=settings.max_entries,
        page_pause=2 * settings.host_gap,
        raw=settings.data_dir / RAW_FOLDER,
        full_text=reads_articles(),
    )


def make_configurator(settings: Settings, store: Store, *, secrets: Mapping[str, str]) -> Configurator:
    """What makes the feed list so."""
    bodies = settings.data_dir / RAW_FOLDER
    return Configurator(store=store, path=settings.config, environ=secrets, public_id=new_public_id, bodies=bodies)


def make_workers(settings: Settings) -> Workers:
    """The processes that read documents, idle and without topics yet."""
    return Workers(
        topics=(),
        size=settings.workers,
        timeout=settings.parse_timeout.total_seconds(),
        memory=settings.parse_memory,
    )


def make_fetcher(settings: Settings, resolve: Resolver | None) -> Fetcher:
    """The HTTP client with the settings' limits."""
    limits = FetchLimits(
        total=settings.fetch_timeout.total_seconds(), wire=settings.max_body, decoded=settings.max_body
    )
    return Fetcher(
        user_agent=user_agent(settings),
        allow_private=settings.allow_private,
        limits=limits,
        concurrency=settings.concurrency,
        gate=HostGate(gap=settings.host_gap.total_seconds()),
        resolve=resolve,
    )


def make_dispatcher(
    settings: Settings, store: Store, transports: Mapping[str, Transport], postmaster: Postmaster, clock: Clock
) -> Dispatcher:
    """The station that mails, as `postmaster`."""
    return Dispatcher(
        Opener(store=store, postmaster=postmaster, clock=clock, warnings=lambda: machine_warnings(settings)),
        Sender(store=store, transports=transports, clock=clock, token=new_token, lease=settings.lease),
    )


def make_returns(settings: Settings, store: Store, clock: Clock) -> Returns | None:
    """What reads the mailbox into which mail comes back, None when the settings name none."""
    box = open_returns(settings)
    if box is None:
        return None
    return Returns(store=store, mailbox=box, keys=Keyring(installation_secrets(settings)), clock=clock)


def open_returns(settings: Settings) -> Mailbox | None:
    """The mailbox into which mail comes back, None when the settings name none."""
    if settings.bounce_mailbox is None:
        return None
    password = settings.bounce_password.reveal() if settings.bounce_password else None
    return open_mailbox(settings.bounce_mailbox, password=password)


def machine_warnings(settings: Settings) -> tuple[str, ...]:
    """What an operator should know of this machine: a data folder that is full, or nearly, or cannot be written."""
    found = data_folder(settings.data_dir)
    return tuple(f"{one.subject}: {one.message}" for one in found if one.level is not Level.OK)


def make_postmaster(settings: Settings) -> Postmaster:
    """Who our mail is from, and the newest of the installation's secrets."""
    secret = installation_secrets(settings)[0]
    signer = make_signer(settings)
    return Postmaster(
        sender=settings.mail_from,
        domain=domain_of(settings.mail_from),
        secret=secret,
        base_url=settings.base_url,
        return_address=wire_address(settings.bounce_address) if settings.bounce_address else None,
        sign=signer.sign if signer else None,
    )


def installation_secrets(settings: Settings) -> tuple[bytes, ...]:
    """What identifiers and links are made with: the setting's secrets, newest first, or that of the data folder.

    That one stands in a file which is made at first use. Raises StoreError when the folder refuses.
    """
    if settings.secret is None:
        return (stored_secret(settings.data_dir / "secret"),)
    return tuple(part.strip().encode() for part in settings.secret.reveal().split(",") if part.strip())


def stored_secret(path: Path) -> bytes:
    """The secret kept in `path` (0600), made when it is not there. Raises StoreError when the folder refuses."""
    fresh = path.with_name(f"{path.name}.{new_token()}")
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_hex(SECRET_BYTES))
            # Of two processes that start at once, one makes the secret and both read that one.
            with suppress(FileExistsError):
                path.hardlink_to(fresh)
            fresh.unlink()
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", hint="make the data folder writable") from error


def user_agent(settings: Settings, *, readers: int = 0) -> str:
    """What hosts read of us: product, version, a way to reach the operator where the settings name one, our readers.

    Publishers count their readers by "N subscribers", in the plural whatever the number; one who asks is one at least.
    """
    contact = settings.base_url or split_sender(settings.mail_from)[1]
    reach = f"+{contact}" if contact and not contact.endswith("@localhost") else "feed aggregator"
    return f"Aggregator/{__version__} ({reach}; {max(readers, 1)} subscribers)"


def new_token() -> str:
    """A fresh lease."""
    return secrets.token_hex(16)


def new_public_id() -> str:
    """An unguessable name for a subscriber in links and Message-IDs."""
    return secrets.token_urlsafe(12)
