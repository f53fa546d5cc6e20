"""Reading feeds.yaml: every mistake is a problem at its line and column, all of them at once."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from aggregator import feedlist
from aggregator.core.errors import ConfigError
from aggregator.core.model.feeds import Hours, Tier
from aggregator.core.model.subscriptions import Empty, Schedule, SubscriptionKind
from aggregator.core.model.topics import Clause, ClauseKind

FEED = "{id: one, url: https://one.example/feed}"


def write(folder: Path, text: str, name: str = "feeds.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def loaded(folder: Path, text: str, environ: dict[str, str] | None = None) -> feedlist.FeedList:
    return feedlist.load(write(folder, text), environ or {})


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    """The problems as `line:column: message (hint)`."""
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text, environ)
    return [str(problem).removeprefix(f"{folder}/feeds.yaml:") for problem in caught.value.problems]


def test_ten_mistakes_are_ten_problems_at_their_lines_and_columns(tmp_path: Path) -> None:
    text = """\
defaults: {politeness: strct}
feeds:
  - {id: a, ulr: x, url: https://a.example/feed}
  - id: b
    url: ftp://b.example/feed
    interval: 1m
  - {id: a, url: https://c.example/feed, timezone: Asia/Kolkatta}
topics:
  - {id: t, query: 'drug* NEAR/4 (seiz* OR'}
  - {id: u, pack: narcotic-policy}
subscribers:
  - id: desk
    email: ${AGGREGATOR_DESK_EMAIL}
    subscriptions:
      - {id: m, topics: [v], at: "07:30"}
      - {id: n, topics: [t]}
"""
    found = problems(tmp_path, text)
    assert [line.split(" ")[0] for line in found] == [
        "1:24:",
        "3:13:",
        "5:10:",
        "6:15:",
        "7:10:",
        "7:52:",
        "9:34:",
        "10:19:",
        "13:12:",
        "15:26:",
        "16:9:",
    ]
    assert "did you mean `strict`?" in found[0]
    assert "unknown key `ulr` (did you mean `url`?)" in found[1]
    assert "from 5m to 30d, found `1m`" in found[3]
    assert "already defined in line 3" in found[4]
    assert "nearest is Asia/Kolkata" in found[5]
    assert "did you mean `narcotics-policy`?" in found[7]
    assert "set AGGREGATOR_DESK_EMAIL" in found[8]
    assert "there is no topic `v`" in found[9]


def test_an_unknown_key_is_told_its_nearest_neighbour_or_else_which_there_are(tmp_path: Path) -> None:
    near, far = problems(tmp_path, "feds: []\nzebra_settings: {}\n")
    assert "unknown key `feds` (did you mean `feeds`?)" in near
    assert "unknown key `zebra_settings` (known here: defaults, feeds, subscribers, topics)" in far


def test_a_feed_is_read_with_everything_it_may_say(tmp_path: Path) -> None:
    feed = loaded(
        tmp_path,
        """\
defaults: {politeness: strict, backlog: 48h, tier: media}
feeds:
  - id: one
    url: https://one.example/feed?key=${AGGREGATOR_KEY}
    name: One
    tags: [un, drugs, un]
    tier: official
    language: pt-BR
    region: IN
    timezone: Asia/Kolkata
    interval: 1h30m
    active: "22:00-06:00"
    weight: 2
    full_text: true
    verify_tls: false
    disabled: true
    identity: link+title
    headers: {X-Key: "${AGGREGATOR_KEY}"}
""",
        {"AGGREGATOR_KEY": "tulip"},
    ).feeds[0]
    assert feed.url == "https://one.example/feed?key=${AGGREGATOR_KEY}"
    assert feed.headers == (("X-Key", "${AGGREGATOR_KEY}"),)
    assert (feed.tier, feed.politeness, feed.backlog) == (Tier.OFFICIAL, "strict", timedelta(hours=48))
    assert (feed.tags, feed.weight, feed.identity) == (("un", "drugs"), 2, "link+title")
    assert (feed.interval, feed.active) == (timedelta(minutes=90), Hours(start=time(22), end=time(6)))
    assert (feed.full_text, feed.verify_tls, feed.disabled) == (True, False, True)


def test_a_default_gives_way_even_to_the_programs_own_value(tmp_path: Path) -> None:
    text = "defaults: {politeness: strict}\nfeeds:\n  - {id: a, url: https://a.example, politeness: normal}\n"
    assert loaded(tmp_path, text).feeds[0].politeness == "normal"


def test_a_key_without_a_value_counts_as_left_out(tmp_path: Path) -> None:
    read = loaded(tmp_path, f"defaults:\nfeeds:\n  - {FEED}\n  - {{id: b, url: https://b.example, name: }}\ntopics:\n")
    assert (read.feeds[1].name, read.topics) == (None, ())


def test_a_variable_that_a_header_needs_is_a_warning_as_the_other_feeds_can_go_on(tmp_path: Path) -> None:
    text = 'feeds:\n  - {id: a, url: https://a.example, headers: {X-Key: "${AGGREGATOR_KEY}"}}\n'
    (warning,) = loaded(tmp_path, text).warnings
    assert "AGGREGATOR_KEY is not set" in str(warning)
    assert str(warning).startswith(f"{tmp_path}/feeds.yaml:2:54: ")
    assert loaded(tmp_path, text, {"AGGREGATOR_KEY": "x"}).warnings == ()


@pytest.mark.parametrize(
    ("feed", "told"),
    [
        ("url: 'https://${AGGREGATOR_HOST}/feed'", "the host must be written out"),
        ("url: a.example/feed", "write https://a.example/feed"),
        ("url: 'https://a.example/x y'", "expected an http or https address"),
        ("url: 'https://a.example/?k=${HOME}'", "`${HOME}` may not be used"),
        ("url: https://a.example, headers: {Host: b}", "set by the program itself"),
        ("url: https://a.example, headers: {'X Y': b}", "is no header name"),
        ('url: https://a.example, headers: {X: "a\\nb"}', "plain ASCII text in one line"),
        ("url: https://a.example, headers: {x: a, X: b}", "is written twice"),
        ("url: https://a.example, tags: [1]", "put it in quotes"),
        ("url: https://a.example, region: India", "two capital letters"),
        ("url: https://a.example, full_text: yes", "expected true or false, found `yes`"),
        ("url: https://a.example, weight: 0", "should be greater than 0"),
        ("url: https://a.example, active: '06:00-06:00'", "begin and end at different times"),
        ("url: https://a.example, backlog: 48", "expected a duration"),
        ('url: https://a.example, name: "a\\nb"', "expected one line of text"),
    ],
)
def test_what_a_feed_cannot_be_is_said(tmp_path: Path, feed: str, told: str) -> None:
    (problem,) = problems(tmp_path, f"feeds:\n  - {{id: a, {feed}}}\n")
    assert told in problem
    assert problem.startswith("2:")


def test_two_feeds_with_one_address_are_odd_but_allowed(tmp_path: Path) -> None:
    text = "feeds:\n  - {id: a, url: https://a.example/f}\n  - {id: b, url: http://A.example/f#x}\n"
    assert "`a` and `b` have the same address" in str(loaded(tmp_path, text).warnings[0])


def test_an_empty_list_is_allowed_and_says_what_to_do(tmp_path: Path) -> None:
    (warning,) = loaded(tmp_path, "feeds: []\n").warnings
    assert "aggregator feeds add" in str(warning)


def test_keywords_become_one_clause_of_phrases(tmp_path: Path) -> None:
    text = (
        f"feeds:\n  - {FEED}\ntopics:\n  - {{id: t, keywords: [fentanyl, '\"precursor chemicals\"', OR, fentanyl]}}\n"
    )
    (topic,) = loaded(tmp_path, text).topics
    query = '"fentanyl" OR "precursor chemicals" OR "OR"'
    assert topic.clauses == (Clause(name="keywords", kind=ClauseKind.SIGNAL, query=query),)
    assert (topic.name, topic.flag_at, topic.alert_at) == ("t", 1, 1)


def test_a_query_becomes_one_clause(tmp_path: Path) -> None:
    text = f"feeds:\n  - {FEED}\ntopics:\n  - {{id: t, name: T, query: '=NCB OR seiz*', languages: [en, hi]}}\n"
    (topic,) = loaded(tmp_path, text).topics
    assert topic.clauses[0].query == "=NCB OR seiz*"
    assert (topic.name, topic.languages) == ("T", ("en", "hi"))


def test_weighted_clauses_keep_their_kinds_weights_and_lists(tmp_path: Path) -> None:
    text = f"""\
feeds:
  - {FEED}
topics:
  - id: t
    flag_at: 4
    lists: {{places: 'india OR washington'}}
    signal:
      - {{name: agencies, weight: 4, query: '=ONDCP OR =NCB'}}
    context:
      - {{name: where, weight: 1, query: '@places'}}
    lower:
      - {{name: sport, weight: 3, query: 'doping'}}
    tests:
      - {{flag: true, title: ONDCP meets NCB}}
"""
    (topic,) = loaded(tmp_path, text).topics
    assert [(clause.kind, clause.weight) for clause in topic.clauses] == [
        (ClauseKind.SIGNAL, 4),
        (ClauseKind.CONTEXT, 1),
        (ClauseKind.LOWER, 3),
    ]
    assert topic.lists == (("places", "india OR washington"),)
    assert (topic.flag_at, topic.alert_at, topic.tests[0].flag) == (4, 4, True)


def test_a_pack_may_be_renamed_raised_and_added_to(tmp_path: Path) -> None:
    plain = "topics:\n  - {id: t, pack: narcotics-policy}\n"
    more = """\
topics:
  - id: t
    pack: narcotics-policy
    name: Ours
    flag_at: 500
    signal: [{name: our own, weight: 700, query: 'kratom'}]
"""
    (shipped,) = loaded(tmp_path, f"feeds:\n  - {FEED}\n{plain}").topics
    (own,) = loaded(tmp_path, f"feeds:\n  - {FEED}\n{more}").topics
    assert (own.name, own.flag_at, own.alert_at) == ("Ours", 500, 500)
    assert own.clauses == (
        *shipped.clauses,
        Clause(name="our own", kind=ClauseKind.SIGNAL, weight=700, query="kratom"),
    )
    assert (own.lists, own.tests) == (shipped.lists, shipped.tests)


@pytest.mark.parametrize(
    ("topic", "where", "told"),
    [
        ("{id: t}", "2:5", "needs one of pack, keywords, query or signal"),
        ("{id: t, query: x, keywords: [y]}", "2:13", "has both keywords and query"),
        ("{id: t, query: 'x colour:red'}", "2:23", "no field"),
        ("{id: t, keywords: ['a \" b']}", "2:24", "without quotes inside"),
        ("{id: t, query: x, flag_at: 1, alert_at: 0.5}", "2:45", "less than flag_at"),
        ("{id: t, query: x, context: [{name: query, query: y}]}", "2:40", "already has a clause `query`"),
        ("{id: t, flag_at: 9, query: x}", "2:5", "nothing can reach flag_at"),
        ("{id: t, query: x, lists: {'a b': y}}", "2:31", "a list's name"),
    ],
)
def test_what_a_topic_cannot_be_is_said_where_it_stands(tmp_path: Path, topic: str, where: str, told: str) -> None:
    (problem,) = problems(tmp_path, f"topics:\n  - {topic}\nfeeds: []\n")
    assert told in problem
    assert problem.startswith(f"{where}: ")


SUBSCRIBERS = """\
feeds: []
topics: [{id: t, query: x}, {id: u, query: y}]
subscribers:
  - id: desk
    name: Desk
    email: ${AGGREGATOR_DESK_EMAIL}
    timezone: Asia/Kolkata
    subscriptions:
      - {id: morning, topics: [t, u], at: ["16:00", "07:30"], days: weekdays, empty: all_clear}
      - {id: alerts, topics: [t], immediate: true, quiet: "22:00-06:00", days: [mon, Thursday]}
  - id: folder
    subscriptions: [{id: all, topics: [t], at: 08:00}]
"""


def test_subscribers_get_their_address_zone_and_schedules(tmp_path: Path) -> None:
    desk, folder = loaded(tmp_path, SUBSCRIBERS, {"AGGREGATOR_DESK_EMAIL": "desk@example.org"}).subscribers
    assert (desk.slug, desk.address, desk.name, desk.timezone) == ("desk", "desk@example.org", "Desk", "Asia/Kolkata")
    morning, alerts = desk.subscriptions
    assert morning.schedule == Schedule(at=(time(7, 30), time(16)), days=frozenset(range(5)))
    assert (morning.topics, morning.empty, morning.channel) == (("t", "u"), Empty.ALL_CLEAR, "mail")
    assert alerts.schedule == Schedule(immediate=True, quiet=Hours(start=time(22), end=time(6)), days=frozenset({0, 3}))
    assert (folder.address, folder.subscriptions[0].channel) == (None, "outbox")


def test_an_address_must_be_one_and_is_not_shown_when_it_is_secret(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, SUBSCRIBERS, {"AGGREGATOR_DESK_EMAIL": "a@x.org, b@x.org"})
    assert problem == "6:12: `email`: expected one mail address such as desk@example.org"


@pytest.mark.parametrize(
    ("subscription", "told"),
    [
        ("{id: a, topics: [t]}", "needs at"),
        ("{id: a, topics: [t], at: '07:30', immediate: true}", "has both at and immediate"),
        ("{id: a, topics: [t], at: '07:30', quiet: '22:00-06:00'}", "holds immediate mail only"),
        ("{id: a, topics: [t], immediate: true, empty: skip}", "never empty"),
        ("{id: a, topics: [t], at: 7h}", "expected a time"),
        ("{id: a, topics: [t], at: []}", "from one to 24 times"),
        ("{id: a, topics: [t], at: '07:30', days: [mo]}", "expected daily, weekdays"),
        ("{id: a, topics: [], at: '07:30'}", "should have at least 1 item"),
        ("{id: a, topics: [tt], at: '07:30'}", "did you mean `t`?"),
        ("{id: a, topics: [t], at: '07:30', chanel: mail}", "did you mean `channel`?"),
        ("{id: a, at: '07:30'}", "needs topics, or operator: true"),
        ("{id: a, operator: true, topics: [t], at: '07:30'}", "has no topics"),
        ("{id: a, operator: true, at: ['07:30', '08:30']}", "expected one time"),
        ("{id: a, operator: true, immediate: true}", "comes at one time of a day"),
        ("{id: a, operator: true, at: '07:30', spikes: true}", "`spikes` is for topics"),
        ("{id: a, topics: [t], at: '07:30', spikes: weekly}", "`spikes`: expected true or false"),
        ("{id: a, topics: [t], at: hourly 8-18}", 'expected hourly, or hours such as "hourly 08:00-18:00"'),
        ("{id: a, topics: [t], immediate: true, channel: mail, webhook: 'https://x.org'}", "expected one channel"),
        ("{id: a, topics: [t], immediate: true, webhook: 'ftp://x.org/'}", "expected an address such as https://"),
        ("{id: a, topics: [t], immediate: true, webhook: '${HOME}'}", "begins with AGGREGATOR_"),
        ("{id: a, topics: [t], immediate: true, webhook: '${AGGREGATOR_HOOK}'}", "AGGREGATOR_HOOK is not set"),
        ("{id: a, topics: [t], immediate: true, apprise: 'slack://token'}", "so it stands in a variable"),
    ],
)
def test_what_a_subscription_cannot_be_is_said(tmp_path: Path, subscription: str, told: str) -> None:
    text = f"feeds: []\ntopics: [{{id: t, query: x}}]\nsubscribers:\n  - {{id: s, subscriptions: [{subscription}]}}\n"
    (problem,) = problems(tmp_path, text)
    assert told in problem


CHANNELS = """
feeds: []
topics: [{id: t, query: x}]
subscribers:
  - id: s
    subscriptions:
      - {id: hook, topics: [t], at: "hourly 08:30-18:30", webhook: "https://hooks.example/n?key=${AGGREGATOR_HOOK}"}
      - {id: chat, topics: [t], at: hourly, days: weekly, apprise: "${AGGREGATOR_CHAT}"}
      - {id: health, operator: true, at: "08:00"}
"""


def test_a_subscription_leaves_by_one_channel_at_its_hours(tmp_path: Path) -> None:
    environ = {"AGGREGATOR_HOOK": "k1", "AGGREGATOR_CHAT": "ntfy://topic"}
    (person,) = loaded(tmp_path, CHANNELS, environ).subscribers
    hook, chat, health = person.subscriptions
    assert (hook.channel, hook.target) == ("webhook", "https://hooks.example/n?key=k1")
    assert hook.schedule.at == tuple(time(hour, 30) for hour in range(8, 19))
    assert (chat.channel, chat.target) == ("apprise", "ntfy://topic")
    assert (chat.schedule.at, chat.schedule.days) == (tuple(map(time, range(24))), frozenset({0}))
    assert (health.kind, health.topics, health.channel) == (SubscriptionKind.OPERATOR, (), "outbox")


def test_a_webhook_in_the_clear_is_odd_beyond_this_machine(tmp_path: Path) -> None:
    def warnings(host: str) -> int:
        return len(loaded(tmp_path, CHANNELS.replace("https://hooks.example", f"http://{host}"), environ).warnings)

    environ = {"AGGREGATOR_HOOK": "k1", "AGGREGATOR_CHAT": "ntfy://topic"}
    assert warnings("hooks.example") == warnings("127.0.0.1") + 1


def test_people_may_stand_in_a_file_of_their_own_as_a_bare_list_too(tmp_path: Path) -> None:
    people = "- {id: a, email: a@example.org, subscriptions: [{id: m, topics: [t], at: '07:30'}]}\n"
    beside = write(tmp_path, people, "subscribers.yaml")
    text = f"feeds:\n  - {FEED}\ntopics: [{{id: t, query: x}}]\n"
    read = loaded(tmp_path, text)
    assert [person.address for person in read.subscribers] == ["a@example.org"]
    assert read.files == (tmp_path / "feeds.yaml", beside)
    write(tmp_path, f"subscribers:\n  {people}", "subscribers.yaml")
    assert loaded(tmp_path, text).subscribers == read.subscribers


def test_a_problem_in_the_other_file_names_that_file(tmp_path: Path) -> None:
    write(tmp_path, "- {id: a, emial: a@example.org}\n- {id: b}\n", "subscribers.yaml")
    text = "feeds: [{id: x}]\nsubscribers:\n  - {id: b}\n"
    told = problems(tmp_path, text)
    assert any(line.startswith("1:9: `url` is missing") for line in told)
    assert any("subscribers.yaml:1:11: unknown key `emial` (did you mean `email`?)" in line for line in told)
    assert any("subscribers.yaml:2:8: the subscriber `b` stands in another file too" in line for line in told)


def test_a_file_of_addresses_that_others_may_read_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, "subscribers: []\n", "subscribers.yaml").chmod(0o644)
    (warning,) = loaded(tmp_path, f"feeds:\n  - {FEED}\n").warnings
    assert "chmod 600" in str(warning)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1:1: the file is empty"),
        ("- a\n", "1:1: expected a mapping of names to values, found a list"),
        ("feeds: 3\n", "1:8: `feeds`: expected a list, found `3`"),
        ("feeds:\n\t- a\n", "2:1: is not YAML"),
        ("feeds: [{id: a, url: https://a.example, headers: {X: ${AGGREGATOR_K}}}]\n", "write the reference in quotes"),
        ("feeds: []\nfeeds: []\n", "2:1: the key `feeds` is written twice"),
        ("feeds: []\n---\nfeeds: []\n", "a second document begins here"),
        ("feeds: !!python/object/apply:os.system [x]\n", "is not allowed"),
    ],
)
def test_what_is_no_feed_list_is_said(tmp_path: Path, text: str, told: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert told in problem


def test_a_file_that_is_not_there_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"No such file.*--config"):
        feedlist.load(tmp_path / "feeds.yaml", {})
