"""The shapes of feeds.yaml, subscribers.yaml and a topic pack: which keys there are and what each one takes.

They are the source of the JSON schema. What depends on more than one value (references, duplicates) is checked elsewhere.
"""

import re
from datetime import time, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from aggregator.core.model.feeds import Hours
from aggregator.core.model.subscriptions import WEEKDAYS
from aggregator.feedlist import units

_ID = r"[a-z0-9][a-z0-9._-]{0,63}"
_LIST_NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,63}"
_LANGUAGE = r"[a-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}"
_REGION = r"[A-Z]{2}"
_DAYS = ["daily", "weekdays", "weekends", "weekly"]


def _matching(pattern: str, expected: str) -> Any:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"expected {expected}")
        return text

    return AfterValidator(check)


def _one_line(text: str) -> str:
    if not text.strip() or len(text) > 200 or not text.isprintable():
        raise ValueError("expected one line of text, at most 200 characters")
    return text.strip()


def _bounded(low: timedelta, high: timedelta) -> AfterValidator:
    def check(span: timedelta) -> timedelta:
        if not low <= span <= high:
            least, most = units.duration_text(low), units.duration_text(high)
            raise ValueError(f"expected a duration from {least} to {most}")
        return span

    return AfterValidator(check)


def _schema(**keys: object) -> WithJsonSchema:
    return WithJsonSchema(dict(keys))


Id = Annotated[
    str,
    _matching(_ID, "an id of small letters, digits, `-`, `_` and `.`, at most 64"),
    _schema(type="string", pattern=f"^{_ID}$"),
]
ListName = Annotated[str, _matching(_LIST_NAME, "a list's name of letters, digits, `-` and `_`")]
Line = Annotated[str, AfterValidator(_one_line), _schema(type="string", minLength=1, maxLength=200)]
Language = Annotated[
    str,
    _matching(_LANGUAGE, "a language tag such as en or pt-BR"),
    _schema(type="string", pattern=f"^{_LANGUAGE}$"),
]
Region = Annotated[
    str,
    _matching(_REGION, "a country in two capital letters such as IN"),
    _schema(type="string", pattern=f"^{_REGION}$"),
]
Zone = Annotated[str, AfterValidator(units.zone), _schema(type="string", examples=["Asia/Kolkata"])]
Duration = Annotated[
    timedelta,
    BeforeValidator(units.duration),
    PlainSerializer(units.duration_text),
    _schema(
        anyOf=[{"type": "string", "pattern": f"^(?:0|{units.DURATION})$"}, {"const": 0}], examples=["30m", "48h", "7d"]
    ),
]
Interval = Annotated[Duration, _bounded(timedelta(minutes=5), timedelta(days=30))]
Backlog = Annotated[Duration, _bounded(timedelta(), timedelta(days=366))]
Window = Annotated[Duration, _bounded(timedelta(hours=1), timedelta(days=7))]
Span = Annotated[
    Hours,
    BeforeValidator(units.hours),
    _schema(type="string", pattern=f"^{units.CLOCK}-{units.CLOCK}$", examples=["22:00-06:00"]),
]
_CLOCK_SCHEMA = {"type": "string", "pattern": f"^{units.CLOCK}$"}
_HOURLY_SCHEMA = {"type": "string", "pattern": f"^{units.HOURLY}$"}
Clocks = Annotated[
    list[time],
    BeforeValidator(units.clocks),
    _schema(
        anyOf=[_CLOCK_SCHEMA, _HOURLY_SCHEMA, {"type": "array", "items": _CLOCK_SCHEMA, "minItems": 1, "maxItems": 24}]
    ),
]
_DAY_NAMES = [name for day in WEEKDAYS for name in (day, day[:3])]
Days = Annotated[
    frozenset[int],
    BeforeValidator(units.days),
    PlainSerializer(sorted),
    _schema(anyOf=[{"enum": [*_DAYS, *_DAY_NAMES]}, {"type": "array", "items": {"enum": _DAY_NAMES}, "minItems": 1}]),
]
Target = Annotated[str, Field(min_length=1, max_length=2000)]
Query = Annotated[str, Field(min_length=1, max_length=20_000)]
Weight = Annotated[float, Field(gt=0, le=1000)]


class Shape(BaseModel):
    """A mapping with known keys only, whose values are taken as they are written: `1` is no text, `yes` no switch."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


class DefaultsShape(Shape):
    """What every feed gets that does not say otherwise."""

    tier: Literal["official", "research", "wire", "media", "ngo", "other"] = "other"
    language: Language | None = None
    region: Region | None = None
    timezone: Zone | None = Field(default=None, description="For dates in the feed that name no zone")
    interval: Interval | None = Field(default=None, description="Check this often, whatever the publisher suggests")
    active: Span | None = Field(default=None, description="Check only within these hours")
    weight: Weight = 1.0
    full_text: bool = Field(default=False, description="Fetch the article of each new entry")
    verify_tls: bool = True
    identity: Literal["auto", "id", "link", "link+title", "hash"] = Field(
        default="auto", description="What makes an entry the same one"
    )
    politeness: Literal["normal", "strict"] = Field(default="normal", description="strict checks once a day at most")
    backlog: Backlog = Field(default=timedelta(), description="Mail entries this old on the first import")


class FeedShape(DefaultsShape):
    """One feed that is followed."""

    id: Id = Field(description="Stable: history hangs on it")
    url: Annotated[str, Field(max_length=2000)]
    name: Line | None = None
    tags: list[Line] = Field(default_factory=list, max_length=50)
    disabled: bool = False
    headers: dict[str, str] = Field(
        default_factory=dict, description="Sent with each request; ${AGGREGATOR_NAME} is filled in"
    )


class ClauseShape(Shape):
    """One weighted query."""

    name: Line
    query: Query
    weight: Weight = 1.0


class TestShape(Shape):
    """A title and a text, and whether they must be flagged."""

    flag: bool
    title: Annotated[str, Field(max_length=2000)]
    text: Annotated[str, Field(max_length=20_000)] = ""


class ClausesShape(Shape):
    """What a pack and a topic with weighted clauses have in common."""

    lists: dict[ListName, Query] = Field(default_factory=dict, description="Named queries, used as @name")
    signal: list[ClauseShape] = Field(default_factory=list, description="Clauses that flag")
    context: list[ClauseShape] = Field(default_factory=list, description="Clauses that count beside a signal only")
    lower: list[ClauseShape] = Field(default_factory=list, description="Clauses that subtract")
    languages: list[Language] | None = Field(default=None, min_length=1)
    flag_at: Weight | None = None
    alert_at: Weight | None = None
    cases: Literal["yes", "lower", "no"] | None = Field(default=None, description="News of single offenders")
    tests: list[TestShape] = Field(default_factory=list)


class TopicShape(ClausesShape):
    """One watched topic: a pack, keywords, one query, or weighted clauses."""

    id: Id
    name: Line | None = None
    pack: Id | None = Field(
        default=None, description="A topic that comes with the program; clauses written here are added"
    )
    keywords: list[Query] | None = Field(default=None, min_length=1, max_length=500)
    query: Query | None = None
    window: Window | None = Field(default=None, description="How long later reports join a story: 3d unless written")


class PackShape(ClausesShape):
    """The file of a pack."""

    name: Line
    description: str | None = None


class SubscriptionShape(Shape):
    """What one subscriber gets, when, and by which channel: `at` fixed times, or `immediate`."""

    id: Id
    topics: list[Id] | None = Field(default=None, min_length=1, description="Left out only beside operator: true")
    operator: bool = Field(default=False, description="What an operator must look after, instead of topics")
    at: Clocks | None = Field(default=None, description="Local times of the digest, or hourly")
    days: Days = frozenset(range(7))
    immediate: bool = Field(default=False, description="Mail what reaches the topic's alert_at at once")
    quiet: Span | None = Field(default=None, description="Hold immediate mail within these hours")
    spikes: bool = Field(default=False, description="Tell of days on which a topic has far more stories than usual")
    empty: Literal["skip", "all_clear", "weekly"] = Field(
        default="skip", description="What to mail when there is nothing"
    )
    channel: Literal["mail", "outbox"] = "mail"
    webhook: Target | None = Field(default=None, description="Post it to this address instead, signed")
    apprise: Target | None = Field(
        default=None, description="Tell it through Apprise instead; ${AGGREGATOR_NAME} holds the service's URL"
    )


class SubscriberShape(Shape):
    """One person or desk; without an email their digests go to the outbox folder."""

    id: Id
    email: Annotated[str, Field(max_length=320)] | None = Field(
        default=None, description="An address, or ${AGGREGATOR_NAME}"
    )
    name: Line | None = None
    timezone: Zone = "UTC"
    subscriptions: list[SubscriptionShape] = Field(default_factory=list, max_length=100)


class SubscribersShape(Shape):
    """subscribers.yaml."""

    subscribers: list[SubscriberShape] = Field(default_factory=list)


class FileShape(SubscribersShape):
    """feeds.yaml."""

    defaults: DefaultsShape = DefaultsShape()
    feeds: list[FeedShape] = Field(default_factory=list)
    topics: list[TopicShape] = Field(default_factory=list)
