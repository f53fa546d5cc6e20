"""`topics list`, `topics check`, `topics test`: what is watched, whether it compiles, and whether it does what it promises."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli import topics_backtest, topics_evaluate, topics_noise, topics_trend, topics_why
from aggregator.cli.opening import open_archive
from aggregator.cli.options import AsJson, Context, Limit, everywhere, new_app
from aggregator.cli.output import Column, count, note, print_json, print_table, progress, say
from aggregator.cli.paragraphs import heading, paragraph
from aggregator.cli.topics_noise import verdicts_json, verdicts_shown
from aggregator.core.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from aggregator.core.model.topics import Fired, Topic
    from aggregator.core.topics.check import TestOutcome
    from aggregator.core.topics.trace import NodeTrace
    from aggregator.store.subscribers import Member

app = new_app("What people watch.")

FeedListFile = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="A feed list; the configured one if left out.")
]
Names = Annotated[list[str] | None, typer.Argument(metavar="[TOPIC]...", help="Only these; all of them if left out.")]


@app.command("list")
@everywhere
def list_(here: Context, *, limit: Limit = 200, as_json: AsJson = False) -> None:
    """Every topic in force, what it matched, who watches it."""
    from aggregator.store import reviews, subscribers, topics

    with open_archive(here) as archive:
        watched = archive.store.read(topics.listed)[:limit]
        matches = archive.store.read(topics.match_counts)
        members = archive.store.read(subscribers.members)
        said = archive.store.read(reviews.verdicts)
    watchers = {topic.id: _watchers(topic, members) for topic in watched}
    if as_json:
        for topic in watched:
            told = {"matches": matches.get(topic.id, 0), "subscriptions": watchers[topic.id]}
            print_json({**_summary(topic), **told, "reviewed": verdicts_json(said.get(topic.id))})
        return
    if not watched:
        note("no topics are in force; write some into feeds.yaml, then `aggregator apply`")
    rows = [
        (
            topic.id,
            topic.name,
            str(topic.version),
            str(len(topic.clauses)),
            str(len(topic.tests)),
            f"{topic.flag_at:g}",
            f"{matches.get(topic.id, 0):,}",
            verdicts_shown(said.get(topic.id)),
            ", ".join(watchers[topic.id]) or "nobody",
        )
        for topic in watched
    ]
    print_table(_IN_FORCE, rows)


_IN_FORCE = (
    Column("topic"),
    Column("name", shrinks=True),
    Column("version", right=True, wide=True),
    Column("clauses", right=True, wide=True),
    Column("tests", right=True, wide=True),
    Column("flag at", right=True, wide=True),
    Column("matches", right=True),
    Column("relevant", right=True),
    Column("watched by", shrinks=True),
)


def _watchers(topic: "Topic", members: "Iterable[Member]") -> list[str]:
    return [
        f"{member.subscriber.slug}/{one.slug}"
        for member in members
        for one in member.subscriptions
        if topic.id in one.topics
    ]


def _summary(topic: "Topic") -> dict[str, Any]:
    kinds = [clause.kind.value for clause in topic.clauses]
    return {
        "id": topic.id,
        "name": topic.name,
        "version": topic.version,
        "clauses": {kind: kinds.count(kind) for kind in ("signal", "context", "lower")},
        "lists": len(topic.lists),
        "tests": len(topic.tests),
        "languages": topic.languages,
        "flag_at": topic.flag_at,
        "alert_at": topic.alert_at,
    }


@app.command()
@everywhere
def check(here: Context, *, file: FeedListFile = None, as_json: AsJson = False) -> None:
    """Compile every topic of a feed list, and point at what does not. Reads the file only, and changes nothing."""
    from aggregator.feedlist import load_topics

    path = file or here.settings().config
    try:
        found = load_topics(path)
    except ConfigError as error:
        if not as_json:
            raise
        for one in error.problems:
            print_json({"ok": False, "where": one.where, "message": one.message, "hint": one.hint})
        raise typer.Exit(error.exit_code) from None
    if as_json:
        for topic in found:
            print_json({"ok": True, **_summary(topic)})
        return
    columns = [Column("result", style="state"), Column("topic"), *(Column(name, right=True) for name in _COUNTED)]
    print_table(columns, [("ok", topic.id, *_counted(topic)) for topic in found])
    say(f"{count(len(found), 'topic')} in {path}, all compile" if found else f"no topics in {path}")


_COUNTED = ("signals", "context", "lower", "lists", "tests", "flag at", "alert at")


def _counted(topic: "Topic") -> tuple[str, ...]:
    told = _summary(topic)
    numbers = (*told["clauses"].values(), told["lists"], told["tests"])
    return (*map(str, numbers), f"{topic.flag_at:g}", f"{topic.alert_at:g}")


@app.command("test")
@everywhere
def prove(here: Context, *, topic: Names = None, as_json: AsJson = False) -> None:
    """Run the tests written beside the topics of the feed list. Exit code 1 when one fails."""
    from aggregator.core.topics.check import run_tests
    from aggregator.feedlist import load_topics

    chosen = _chosen(load_topics(here.settings().config), topic or [])
    with progress(len(chosen), "testing") as step:
        done: list[tuple[Topic, TestOutcome]] = []
        for one in chosen:
            done += [(one, outcome) for outcome in run_tests(one)]
            step()
    failed = [(one, outcome) for one, outcome in done if not outcome.passed]
    if as_json:
        for one, outcome in done:
            print_json(_told(one, outcome))
    else:
        _print_outcomes(done)
        for one, outcome in failed:
            _print_failure(one, outcome)
        say()
        told = f"{count(len(done), 'test')} of {count(len(chosen), 'topic')}: {len(done) - len(failed)} passed"
        say(f"{told}, {len(failed)} failed", style="failed" if failed else "passed")
    raise typer.Exit(int(bool(failed)))


def _chosen(topics: "tuple[Topic, ...]", names: list[str]) -> "list[Topic]":
    known = {topic.id: topic for topic in topics}
    for name in names:
        if name not in known:
            raise UsageError(f"no such topic: {name}", hint=f"there are: {', '.join(known) or 'none'}")
    return [known[name] for name in names] if names else list(topics)


def _told(topic: "Topic", outcome: "TestOutcome") -> dict[str, Any]:
    return {
        "topic": topic.id,
        "title": outcome.test.title,
        "expected": outcome.test.flag,
        "flagged": outcome.flagged,
        "score": round(outcome.score, 4),
        "flag_at": topic.flag_at,
        "passed": outcome.passed,
        "fired": [
            {"clause": fired.clause, "points": round(fired.points, 4), "words": _words(outcome, fired)}
            for fired in outcome.fired
        ],
    }


def _words(outcome: "TestOutcome", fired: "Fired") -> list[str]:
    fields = {"title": outcome.test.title, "text": outcome.test.text}
    found = (fields.get(span.field, "")[span.start : span.end] for span in fired.spans)
    return list(dict.fromkeys(word for word in found if word))


def _print_outcomes(done: "list[tuple[Topic, TestOutcome]]") -> None:
    columns = (
        Column("result", style="state"),
        Column("topic"),
        Column("wanted"),
        Column("score/flag at", right=True),
        Column("title", shrinks=True),
    )
    rows = [
        (
            "passed" if outcome.passed else "failed",
            topic.id,
            "flag" if outcome.test.flag else "leave",
            f"{outcome.score:g}/{topic.flag_at:g}",
            outcome.test.title,
        )
        for topic, outcome in done
    ]
    print_table(columns, rows)


def _print_failure(topic: "Topic", outcome: "TestOutcome") -> None:
    from aggregator.core.topics.fields import EntryFields
    from aggregator.core.topics.trace import explain

    test_ = outcome.test
    heading(f"failed: {topic.id}")
    paragraph(test_.title, lead="  title   ")
    if test_.text:
        paragraph(test_.text, lead="  text    ")
    paragraph("flagged" if test_.flag else "not flagged", lead="  wanted  ")
    trace = explain(topic, EntryFields(title=test_.title, text=test_.text))
    paragraph(trace.verdict, lead="  got     ")
    for fired in outcome.fired:
        words = ", ".join(f"“{word}”" for word in _words(outcome, fired))
        paragraph(f"{fired.points:+g} {fired.clause}: {words}", lead="  fired   ")
    for clause in trace.clauses:
        for node in _nearly(clause.tree) if not clause.fired else ():
            paragraph(f"{clause.name}: {node.query}: {node.note}", lead="  missed  ")


def _nearly(node: "NodeTrace") -> "Iterator[NodeTrace]":
    """The parts of a clause that do not hold although their own parts do."""
    if node.note:
        yield node
    for part in node.parts:
        yield from _nearly(part)


app.command("backtest")(topics_backtest.backtest)
app.command("evaluate")(topics_evaluate.evaluate)
app.command("why")(topics_why.why)
app.command("noise")(topics_noise.noise)
app.command("trend")(topics_trend.trend)
