"""`db upgrade` and `db check`: the database's schema brought up to date, and its soundness told."""

from typing import TYPE_CHECKING, Any

import typer

from aggregator.cli.opening import start_logging
from aggregator.cli.options import AsJson, Context, everywhere, new_app
from aggregator.cli.output import print_json, say
from aggregator.cli.paragraphs import paragraph
from aggregator.cli.waiting import waiting
from aggregator.core.errors import StoreError
from aggregator.settings import Settings

if TYPE_CHECKING:
    from aggregator.store.migrate import Schema

app = new_app("The database.")


@app.command()
@everywhere
def upgrade(here: Context, *, as_json: AsJson = False) -> None:
    """Bring the database to this program's schema. An older SQLite file is copied aside first."""
    from aggregator.app import make_clock
    from aggregator.store import migrate

    settings = start_logging(here.settings(), quiet=True)
    with waiting("upgrading"):
        was = migrate.upgrade(settings.database, now=make_clock(settings, runs_on=False)())
        engine_changed = _upgrade_engine(settings)
    copy = _newest_copy(settings) if was is migrate.Schema.OLDER else None
    if as_json:
        told = {"database": settings.database_shown, "was": was, "schema": "current", "revision": migrate.head()}
        print_json({**told, "copy": copy, "engine_changed": engine_changed})
        return
    words = {"empty": "tables made", "older": "upgraded", "current": "already current"}
    say(f"{settings.database_shown}: {words[was]}, schema {migrate.head()}")
    if copy:
        say(f"a copy of what it was: {copy}")
    if engine_changed is not None:
        say("Procrastinate's tables: " + ("made or upgraded" if engine_changed else "already current"))


def _upgrade_engine(settings: Settings) -> bool | None:
    """Whether the distributed engine's tables changed; None when another engine was chosen."""
    if settings.engine != "procrastinate":
        return None
    return _engine_schema().apply_schema(settings.database)  # type: ignore[no-any-return]  # the module is looked up


def _engine_schema() -> Any:
    try:
        from aggregator.engine import procrastinate_schema
    except ImportError:
        hint = "pip install 'feed-aggregator[postgres]'"
        raise StoreError("the engine procrastinate is chosen, and not installed", hint=hint) from None
    return procrastinate_schema


def _newest_copy(settings: Settings) -> str | None:
    from aggregator.store import dialect

    file = dialect.file_of(settings.database)
    copies = sorted(file.parent.glob(f"{file.name}.before-*"), key=lambda path: path.stat().st_mtime) if file else []
    return str(copies[-1]) if copies else None


@app.command()
@everywhere
def check(here: Context, *, as_json: AsJson = False) -> None:
    """Whether schema, tables and file are sound. Changes nothing."""
    from aggregator.store import dialect, migrate

    settings = start_logging(here.settings(), quiet=True)
    file = dialect.file_of(settings.database)
    if file is not None and not file.exists():
        raise StoreError(f"there is no database at {file}", hint="`aggregator db upgrade` makes it")
    with waiting("checking"):
        schema = migrate.inspect_schema(settings.database)
        found = _unsound(settings, schema)
    if as_json:
        told = {"database": settings.database_shown, "schema": schema, "revision": migrate.head()}
        print_json({**told, **found, "ok": not any(found.values())})
    else:
        say(f"{settings.database_shown}: schema {schema}")
        for name, lines in found.items():
            for line in lines:
                paragraph(line, lead=f"problem  {name}: ", style="problem")
        if not any(found.values()):
            say("sound", style="ok")
    raise typer.Exit(int(any(found.values())))


def _unsound(settings: Settings, schema: "Schema") -> dict[str, list[str]]:
    """What is wrong, by kind; a schema that is not this program's is not looked into."""
    from contextlib import closing

    from aggregator.store import dialect, migrate
    from aggregator.store.database import Store

    advice = {
        migrate.Schema.EMPTY: "no tables yet: `aggregator db upgrade` makes them",
        migrate.Schema.OLDER: "older than this program: run `aggregator db upgrade`",
        migrate.Schema.NEWER: "newer than this program: upgrade the program",
        migrate.Schema.FOREIGN: "holds tables that are not aggregator's",
    }
    if schema in advice:
        return {"schema": [advice[schema]], "differences": [], "integrity": [], "engine": []}
    with closing(Store(settings.database)) as store:
        integrity = list(store.read(dialect.integrity))
    engine = []
    if settings.engine == "procrastinate" and not _engine_schema().schema_applied(settings.database):
        engine.append("Procrastinate's tables are missing or older: run `aggregator db upgrade`")
    return {
        "schema": [],
        "differences": list(migrate.differences(settings.database)),
        "integrity": integrity,
        "engine": engine,
    }
