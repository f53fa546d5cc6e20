"""A line of a feed list as a terminal shows it: enough to find the mistake, and nothing that is nobody's business."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.cli.errors import tell
from aggregator.core.errors import ConfigError
from aggregator.feedlist import load
from aggregator.feedlist.excerpt import Excerpts

SECRET = "s3cretWord"
FULL = f"""\
# {SECRET} stands in a remark
defaults: {{tier: media}} # {SECRET}
x-hook: &hook https://hooks.example.org/services/{SECRET}
feeds:
  - {{id: a, url: "https://desk:{SECRET}@example.org/feed.xml?key={SECRET}#{SECRET}", tags: [x, y]}}
  - id: b
    url:
      https://example.org/b.xml?key={SECRET}
    headers:
      X-Key: "Basic {SECRET} ${{AGGREGATOR_KEY}}"
      Folded: >-
        Basic
        {SECRET}
      Quoted: 'Basic
        {SECRET}'
    headrs: {{X-Key: {SECRET}}}
    name: &name {SECRET}
    "tags": [ok, "https://example.org/path?key"]
  - {{id: c, url: https://u:p/{SECRET}@example.org/, headers: {{X: *name}}}}
topics:
  - {{id: t, query: "fentanyl OR heroin", lists: {{mine: "naloxone"}}}}
subscribers:
  - id: desk
    email: {SECRET}@example.org
    subscriptions:
      - {{id: m, webhook: *hook, topics: [t], at: "07:30"}}
      - id: n
        webhook:

          "https://hooks.example.org/{SECRET}"
        apprise: {{service: [slack, {SECRET}], {SECRET}: x}}
      - ? webhook
        : https://hooks.example.org/{SECRET}
        <<: {{id: o, email: desk+{SECRET}@example.org}}
"""


def shown(text: str) -> list[str]:
    excerpts = Excerpts(text)
    return [found[0] for number, _ in enumerate(text.splitlines(), 1) if (found := excerpts.line(number, 1))]


def test_no_line_shows_what_a_key_keeps_secret_in_whatever_style_it_is_written() -> None:
    lines = shown(FULL)
    assert len(lines) == len(FULL.splitlines())
    assert [line for line in lines if SECRET in line] == []


def test_what_is_no_secret_is_shown_as_it_is_written() -> None:
    lines = shown(FULL)
    assert '  - {id: a, url: "https://***@example.org/feed.xml?***", tags: [x, y]}' in lines
    assert '      X-Key: "***${AGGREGATOR_KEY}"' in lines
    assert '    "tags": [ok, "https://example.org/***"]' in lines
    assert '  - {id: t, query: "fentanyl OR heroin", lists: {mine: "naloxone"}}' in lines
    assert '      - {id: m, webhook: *hook, topics: [t], at: "07:30"}' in lines


def test_the_shipped_list_is_shown_as_it_is_but_for_remarks_and_queries() -> None:
    text = (Path(__file__).parents[2] / "feeds.yaml").read_text(encoding="utf-8")
    for written, seen in zip(text.splitlines(), shown(text), strict=True):
        assert "#" in written or seen == re.sub(r"(?<=\?)[^\"]+(?=\")", "***", written)


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("  - {id: a, url: https://u:s3cretWord@example.org/feed, tags [x]}", "  - {id: ***, url: ***, *** [***]}"),
        ("    headers: {X-Key: s3cretWord", "    headers: {***: ***"),
        ("    email 's3cretWord@example.org", "    *** '***"),
        ("    apprise: ${AGGREGATOR_DESK}: x", "    apprise: ${AGGREGATOR_DESK}: ***"),
        ("  s3cretWord: [", "  ***: ["),
    ],
)
def test_a_broken_file_shows_the_keys_that_are_known_and_no_value(written: str, seen: str) -> None:
    assert shown(f"feeds:\n{written}\n: ]") == ["feeds:", seen, ": ]"]


def test_a_broken_file_still_shows_the_query_in_which_it_breaks() -> None:
    text = 'feeds: []\ntopics:\n  - {id: t, query: "a" OR (b me@example.org}\n'
    assert shown(text)[2] == '  - {id: t, query: "a" OR (b ***'


def test_a_quote_that_was_never_closed_does_not_carry_secrets_into_a_harmless_key() -> None:
    line = (
        '  - {id: a, name: "Desk, headers: {X: s3cretWord}, webhook: https://h.example.org/s3cretWord, email: "a@b.c"}'
    )
    assert SECRET not in "".join(shown(f"subscribers:\n{line}\n"))
    below = f'subscribers:\n  - name: "Desk\n    webhook: https://h.example.org/{SECRET}\n    email: "\n'
    assert SECRET not in "".join(shown(below))


@given(
    st.integers(0, len(FULL)),
    st.integers(0, 3),
    st.sampled_from(["", "\n", '"', "'", "{", "]", ": ", "#", "\t", "|\n"]),
)
def test_no_damage_to_a_file_brings_a_secret_to_light(at: int, removed: int, put: str) -> None:
    cut = FULL[at : at + removed]
    if not set(cut) & set(SECRET):
        assert [line for line in shown(FULL[:at] + put + FULL[at + removed :]) if SECRET in line] == []


@given(st.text(alphabet="abc:@/?#${}[]&*\"'-|> \n\t", max_size=60), st.integers(1, 5), st.integers(1, 30))
def test_the_column_stays_in_the_line_and_a_character_that_is_shown_stays_above_its_mark(
    text: str, number: int, column: int
) -> None:
    found = Excerpts(text).line(number, column)
    lines = text.splitlines()
    if found is None:
        assert number > len(lines) or column > len(lines[number - 1]) + 1
        return
    line, at = found
    written = lines[number - 1]
    assert 1 <= at <= len(line) + 1
    assert line[at - 1 : at] == written[column - 1 : column] or line[at - 1 :].startswith("***")


def test_a_place_that_is_not_in_the_text_has_no_line() -> None:
    excerpts = Excerpts("feeds: []\n")
    assert excerpts.line(1, 7) == ("feeds: []", 7)
    assert [excerpts.line(*place) for place in ((0, 1), (2, 1), (1, 0), (1, 11))] == [None] * 4


def test_a_text_whose_lines_can_be_counted_in_two_ways_is_not_shown_at_all() -> None:
    assert Excerpts(f"# \u2028\nfeeds:\n  - {{id: a, headers: {{X: {SECRET}}}}}\n").line(3, 1) is None


@pytest.mark.parametrize(
    "wrong",
    [
        f"feeds: [{{id: a, url: 'https://u:{SECRET}@example.org:port/feed'}}]",
        f"feeds: [{{id: a, url: 'u:{SECRET}@example.org/feed'}}]",
        f"feeds: [{{id: a, url: 'ftp://example.org/feed?key={SECRET}'}}]",
        f"feeds: ['https://u:{SECRET}@example.org/feed']",
        f"feeds: [{{id: a, url: 'https://example.org/', headers: [{SECRET}]}}]",
        f"feeds: [{{id: a, url: 'https://example.org/', headers: {{X: [{SECRET}, 1]}}}}]",
        f"feeds: [{{id: a, url: 'https://example.org/', headers: {{X: '{SECRET}\u00e9'}}}}]",
        f"subscribers: [{{id: d, email: '{SECRET}@@example.org'}}]",
        f"subscribers: [{{id: d, subscriptions: [{{id: s, immediate: true, topics: [], webhook: [{SECRET}]}}]}}]",
        f"subscribers: [{{id: d, subscriptions: [{{id: s, at: '07:30', topics: [], webhook: '{SECRET * 300}'}}]}}]",
        f"subscribers: [{{id: d, subscriptions: [{{id: s, at: '07:30', topics: [], apprise: 'slack://{SECRET}'}}]}}]",
        f"subscribers: [{{id: d, webhok: 'https://hooks.example.org/{SECRET}'}}]",
        f"https://hooks.example.org/{SECRET}",
    ],
)
def test_neither_a_message_nor_the_line_below_it_tells_a_secret(
    wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "feeds.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "feeds.yaml", {})
    assert SECRET not in str(caught.value)
    tell(caught.value)
    told = capsys.readouterr().err
    assert " | " in told
    assert "^" in told
    assert SECRET not in told
