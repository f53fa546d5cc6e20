"""`doctor`: every examination, in the order in which a person would mend what it finds."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from typing import TYPE_CHECKING

import typer

from aggregator.cli.options import AsJson, Context, everywhere, new_app
from aggregator.cli.output import count, print_json, say
from aggregator.cli.paragraphs import paragraph
from aggregator.cli.waiting import waiting
from aggregator.core.errors import AggregatorError, ConfigError
from aggregator.settings import Settings

if TYPE_CHECKING:
    from aggregator.core.model.subscriptions import SubscriberSpec
    from aggregator.doctor import Finding

app = new_app()


@app.command()
@everywhere
def doctor(here: Context, *, as_json: AsJson = False) -> None:
    """What is misconfigured, and how to mend it. Exit code 1 when anything is a problem. Changes nothing."""
    found = _findings(here)
    if as_json:
        for one in found:
            print_json(asdict(one))
    else:
        _print(found)
    raise typer.Exit(int(any(one.level == "problem" for one in found)))


def _findings(here: Context) -> "Sequence[Finding]":
    from aggregator import doctor as station

    try:
        settings = here.settings()
    except ConfigError as error:
        return [station.problem("settings", f"{one.where}: {one.message}", one.hint) for one in error.problems]
    with waiting("looking"):
        return [station.ok("settings", "every value can be read"), *_examine(settings)]


def _examine(settings: Settings) -> "Iterator[Finding]":
    from aggregator import doctor as station
    from aggregator.app import make_clock
    from aggregator.settings import secret_lookup

    yield from station.libraries()
    yield from station.data_folder(settings.data_dir)
    yield from station.secret_file(settings.data_dir / "secret", is_set=settings.secret is not None)
    now = make_clock(settings, runs_on=False)()
    yield from station.database(
        settings.database, settings.database_shown, now=now, compare_clocks=settings.clock is None
    )
    yield from _engine(settings)
    wanted, said = station.feed_list(settings.config, secret_lookup(os.environ))
    yield from said
    yield from _articles([feed.id for feed in (wanted.feeds if wanted else ()) if feed.full_text])
    yield from station.topics(wanted.topics if wanted else ())
    yield from station.zones({feed.timezone: feed.id for feed in (wanted.feeds if wanted else ()) if feed.timezone})
    yield from station.version_control(settings.config)
    yield from _mail(settings, wanted.subscribers if wanted else ())


def _mail(settings: Settings, people: "Sequence[SubscriberSpec]") -> "Iterator[Finding]":
    """Whether digests would leave, arrive, and lead somewhere."""
    from aggregator import doctor as station
    from aggregator.channels import make_transports

    sends = settings.mail_transport == "smtp"
    addressed = sum(person.address is not None for person in people)
    folder = None if sends else settings.mail_dir
    carrier = make_transports(settings)["mail"]
    yield from station.redirected(settings.redirect_all_to, settings.mail_dir)
    yield from station.mail(carrier, folder=folder, people=addressed, sender=settings.mail_from)
    yield from _sender(settings, sends=sends)
    wanting = [
        f"{person.slug}/{one.slug}" for person in people for one in person.subscriptions if one.channel == "apprise"
    ]
    yield from station.notifications(wanting, installed=find_spec("apprise") is not None)
    yield from station.base_url(settings.base_url, sends=sends)
    yield from _returns(settings)


def _returns(settings: Settings) -> "Iterator[Finding]":
    """Whether mail that comes back is read."""
    from aggregator import doctor as station
    from aggregator.app import open_returns

    yield from station.returns(open_returns(settings), address=settings.bounce_address, shown=settings.bounce_mailbox)


def _sender(settings: Settings, *, sends: bool) -> "Iterator[Finding]":
    """Whether receivers will believe the sender."""
    from aggregator import doctor as station
    from aggregator.channels import make_signer

    try:
        signer = make_signer(settings)
    except ConfigError as error:
        yield from (station.problem("sender", f"{one.where}: {one.message}", one.hint) for one in error.problems)
        return
    if sends:
        yield from station.sender(settings.mail_from, signing=signer, bounces_to=settings.bounce_address)


def _articles(wanting: "Sequence[str]") -> "Iterator[Finding]":
    """Whether feeds that want the articles behind their entries can have them."""
    from aggregator import doctor as station
    from aggregator.workers import reads_articles

    if not wanting:
        return
    told = count(len(wanting), "feed wants", "feeds want") + " full text"
    if reads_articles():
        yield station.ok("full text", told)
    else:
        missing = f"{told}, such as {wanting[0]}, but trafilatura is not installed: summaries are used"
        yield station.warning("full text", missing, "pip install 'feed-aggregator[fulltext]'")


def _engine(settings: Settings) -> "Iterator[Finding]":
    """Whether the distributed engine, when it was chosen, is installed and has its tables."""
    from aggregator import doctor as station

    if settings.engine != "procrastinate":
        return
    try:
        from aggregator.engine import procrastinate_schema
    except ImportError:
        yield station.problem("engine", "Procrastinate is not installed", "pip install 'feed-aggregator[postgres]'")
        return
    try:
        applied = procrastinate_schema.schema_applied(settings.database)
    except AggregatorError as error:
        yield station.problem("engine", error.message, error.hint)
        return
    if applied:
        yield station.ok("engine", "Procrastinate's tables are current")
    else:
        yield station.problem("engine", "Procrastinate's tables are missing or older", "run `aggregator db upgrade`")


def _print(found: "Sequence[Finding]") -> None:
    widest = max(len(one.subject) for one in found)
    for one in found:
        paragraph(one.message, lead=f"{one.level:<7}  {one.subject:<{widest}}  ", style=one.level)
        if one.hint:
            paragraph(one.hint, lead=" " * (widest + 11) + "-> ")
    problems, warnings = (sum(one.level == level for one in found) for level in ("problem", "warning"))
    say()
    if problems or warnings:
        say(f"{count(problems, 'problem')}, {count(warnings, 'warning')}", style="problem" if problems else "warning")
    else:
        say("nothing to mend", style="ok")
