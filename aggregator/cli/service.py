"""`run`, the service, and `worker`, one of many processes that share its work on PostgreSQL."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.opening import build_app, stoppable
from aggregator.cli.options import Context, RedirectAllTo, everywhere, new_app
from aggregator.cli.output import count, say
from aggregator.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from aggregator.app import App
    from aggregator.engine.contract import Engine

app = new_app()

NoWeb = Annotated[bool, typer.Option("--no-web", help="Serve no pages.")]
Once = Annotated[bool, typer.Option("--once", help="One full cycle, then exit.")]


@app.command()
@everywhere
def run(here: Context, *, once: Once = False, no_web: NoWeb = False, redirect_all_to: RedirectAllTo = None) -> None:
    """The service: follow feeds.yaml, check due feeds, match, mail due digests and serve readers' pages, until SIGTERM or Ctrl-C.

    It prepares the database, ticks every few seconds and reads feeds.yaml again when it changes. Only one service may
    run on a database; other commands work beside it.
    """
    here = replace(here, redirect_all_to=redirect_all_to)
    if once:
        say(stoppable(_one_cycle(build_app(here, runs_on=True))))
        return
    from aggregator.engine.service import LANES, serve

    service = build_app(here, runs_on=True)
    lanes = LANES if service.settings.engine == "procrastinate" else 1
    asyncio.run(serve(service, _engine(service), lanes=lanes, beside=None if no_web else _pages(service)))


@app.command()
@everywhere
def worker(here: Context, *, redirect_all_to: RedirectAllTo = None) -> None:
    """One of many processes that share the service's work through PostgreSQL. Start as many as are needed."""
    here = replace(here, redirect_all_to=redirect_all_to)
    settings = here.settings()
    if not settings.database.startswith("postgresql:"):
        hint = "set it to postgresql://user@host/name, or use `aggregator run`, which needs no other process"
        message = f"workers share a PostgreSQL database, and this is {settings.database_shown}"
        raise ConfigError([Problem(where="AGGREGATOR_DATABASE", message=message, hint=hint)])
    from aggregator.engine.service import LANES, work

    service = build_app(here, runs_on=True)
    asyncio.run(work(service, _shared_engine(service), lanes=LANES))


def _pages(service: "App") -> "AbstractAsyncContextManager[None]":
    from aggregator.web.app import make_web
    from aggregator.web.server import listening

    host, port = service.settings.listen
    return listening(make_web(service), host=host, port=port, needed=service.settings.base_url is not None)


def _engine(service: "App") -> "Engine":
    if service.settings.engine == "procrastinate":
        return _shared_engine(service)
    from aggregator.engine.embedded import EmbeddedEngine

    return EmbeddedEngine(clock=service.clock)


def _shared_engine(service: "App") -> "Engine":
    """Procrastinate on the service's own database, its schema made ready. Raises ConfigError where it is not installed."""
    try:
        from aggregator.engine.procrastinate import STALLED_AFTER, ProcrastinateEngine
        from aggregator.engine.procrastinate_schema import apply_schema
    except ImportError as error:
        hint = "pip install 'feed-aggregator[postgres]'"
        message = f"procrastinate is not installed ({error})"
        raise ConfigError([Problem(where="AGGREGATOR_ENGINE", message=message, hint=hint)]) from None
    apply_schema(service.settings.database)
    # Who may lose a host's lease may also lose a job: no worker is waited for longer than that.
    patience = min(STALLED_AFTER, service.settings.lease)
    return ProcrastinateEngine(
        service.settings.database, clock=service.clock, stalled_after=patience, rescue_every=patience / 2
    )


async def _one_cycle(service: "App") -> str:
    """Apply feeds.yaml, check what is due, make and send digests; what came of it in one line."""
    from aggregator.engine.service import start_following
    from aggregator.store import search
    from aggregator.store.lock import service_lock

    with service_lock(service.settings.database, now=service.clock()):
        async with service:
            await start_following(service)
            checked = await service.refresher.check()
            await service.replayer.run()
            if service.returns is not None:
                await service.returns.collect()
            try:
                done = await service.dispatcher.run()
            finally:
                await service.dispatcher.drain()
            await search.catch_up(service.store)
    new, matched = sum(result.new for result in checked), sum(result.matched for result in checked)
    failed = sum(result.error_kind is not None for result in checked)
    return (
        f"{count(len(checked), 'feed')} checked, {failed} failed; {count(new, 'new entry', 'new entries')}, "
        f"{matched} matched; {count(len(done.digests), 'digest')} made, {len(done.deliveries)} sent or tried"
    )
