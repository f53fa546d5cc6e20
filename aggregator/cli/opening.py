"""A Context -> an open store, or a wired App with its processes running. Everything heavy is imported in here, when needed."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from aggregator.cli.options import Context
from aggregator.cli.output import warn
from aggregator.settings import Settings

if TYPE_CHECKING:
    from aggregator.app import App
    from aggregator.store.database import Store

T = TypeVar("T")

TERMINATED = 143  # as shells count a program that SIGTERM ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The store, open for one command that only looks, and the instant at which it looks."""

    settings: Settings
    store: "Store"
    now: datetime


@contextmanager
def open_archive(context: Context) -> Iterator[Archive]:
    """The store of a database that has this program's schema. Raises ConfigError, SchemaMismatchError or StoreError."""
    from aggregator.app import make_clock, prepare_database
    from aggregator.store.database import Store

    settings = start_logging(context.settings(), quiet=True)
    now = make_clock(settings, runs_on=False)()
    prepare_database(settings, now=now, upgrade=False)
    store = Store(settings.database)
    try:
        yield Archive(settings=settings, store=store, now=now)
    finally:
        store.close()


def build_app(context: Context, *, runs_on: bool = False) -> "App":
    """A wired App on a database that is ready; older ones are upgraded when it `runs_on`, as the service does.

    Its user enters it, or closes its store. Raises ConfigError, SchemaMismatchError or StoreError.
    """
    from aggregator.app import build, make_clock, prepare_database

    settings = start_logging(context.settings(), quiet=not runs_on)
    clock = make_clock(settings, runs_on=runs_on)
    if runs_on and settings.clock is not None:
        warn(f"the clock is set: it runs on from {settings.clock:%Y-%m-%d %H:%M:%S} UTC (AGGREGATOR_CLOCK)")
    if settings.redirect_all_to:
        warn(redirected(settings))
    prepare_database(settings, now=clock(), upgrade=runs_on)
    return build(settings, os.environ, clock=clock)


def with_app(context: Context, work: Callable[["App"], Awaitable[T]], *, processes: bool = True) -> T:
    """What `work` gives for an App in an event loop of its own.

    Its client and worker processes run meanwhile, unless it needs no `processes`: then only the store may be used.
    """
    app = build_app(context)

    async def within() -> T:
        if processes:
            async with app:
                return await work(app)
        try:
            return await work(app)
        finally:
            await app.dispatcher.aclose()
            app.store.close()

    return stoppable(within())


def stoppable(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives, run in an event loop of its own; SIGTERM cancels it, as Ctrl-C does, so that leases are given back."""

    async def listening() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        try:
            return await task
        finally:
            loop.remove_signal_handler(signal.SIGTERM)

    try:
        return asyncio.run(listening())
    except asyncio.CancelledError:
        raise typer.Exit(TERMINATED) from None


def redirected(settings: Settings) -> str:
    """What is said wherever mail could leave while everything is redirected."""
    address = settings.redirect_all_to
    return (
        f"every mail goes to {address}, webhooks and notifications into {settings.mail_dir}; what is due counts as sent"
    )


def start_logging(settings: Settings, *, quiet: bool) -> Settings:
    """Begin to log as the settings say; `quiet` commands, whose output is their word, only warnings. The settings."""
    from aggregator import logs

    level = "warning" if quiet and settings.log.level == "info" else settings.log.level
    logs.configure(style=settings.log.format, level=level)
    return settings
