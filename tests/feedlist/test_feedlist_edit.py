"""Edits of the file touch their own lines and leave every other byte alone."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from aggregator import feedlist
from aggregator.core.errors import AggregatorError, ConfigError, UsageError
from aggregator.core.model.feeds import Feed, Hours, Tier
from aggregator.feedlist.edit import add_feeds, readdressed, remove_feed, rewrite

TENDED = """\
# what we follow
defaults: {backlog: 0}   # none

feeds:      # one a line
  # the UN
  - {id: a, url: "https://a.example/f", tags: [x,   y]}   # spaced by hand
  - id: b   # written out
    url: https://b.example/f
    # inside b
    name:   'B: the second'

  # above c
  - {id: c, url: 'https://c.example/f'}

# and topics
topics: [ {id: t, keywords: [x]} ]
"""
NEW = Feed(id="new", url="https://new.example/f")
NEW_LINE = "  - {id: new, url: https://new.example/f}\n"


@pytest.fixture
def tended(tmp_path: Path) -> Path:
    path = tmp_path / "feeds.yaml"
    path.write_text(TENDED)
    return path


def test_an_added_feed_is_one_new_line_and_nothing_else_moves(tended: Path) -> None:
    add_feeds(tended, (NEW,))
    last = "  - {id: c, url: 'https://c.example/f'}\n"
    assert tended.read_text() == TENDED.replace(last, last + NEW_LINE)


def test_a_removed_feed_takes_its_own_lines_and_no_others(tended: Path) -> None:
    remove_feed(tended, "b")
    gone = TENDED[TENDED.index("  - id: b") : TENDED.index("\n  # above c")]
    assert tended.read_text() == TENDED.replace(gone, "")


def test_adding_and_removing_leaves_the_very_same_bytes(tended: Path) -> None:
    add_feeds(tended, (NEW,))
    remove_feed(tended, "new")
    assert tended.read_text() == TENDED


def test_an_added_feed_is_read_back_with_all_it_says(tended: Path) -> None:
    feed = Feed(
        id="full",
        url="https://full.example/f?a=b&c=#d",
        name="समाचार: drugs, 'ice'",
        tags=("no", "07:30", "un"),
        tier=Tier.NGO,
        language="hi",
        region="IN",
        timezone="Asia/Kolkata",
        interval=timedelta(hours=3),
        active=Hours(start=time(7), end=time(22, 30)),
        weight=1.5,
        full_text=True,
        verify_tls=False,
        disabled=True,
        identity="link",
        politeness="strict",
        backlog=timedelta(days=2),
        headers=(("X-Key", "${AGGREGATOR_K}"),),
    )
    add_feeds(tended, (feed,))
    assert feedlist.load(tended, {}).feeds[-1] == feed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("feeds: []\n", f"feeds:\n{NEW_LINE}"),
        ("feeds: [ ]  # none yet\n", f"feeds:  # none yet\n{NEW_LINE}"),
        ("feeds:\n\n# end\n", f"feeds:\n{NEW_LINE}\n# end\n"),
        ("feeds: null\n", f"feeds:\n{NEW_LINE}"),
        ("topics: []", f"topics: []\nfeeds:\n{NEW_LINE}"),
        (
            "feeds:\n- id: a\n  url: https://a.example\n# z\n",
            "feeds:\n- id: a\n  url: https://a.example\n- id: new\n  url: https://new.example/f\n# z\n",
        ),
        (
            "feeds:\n- {id: a, url: https://a.example}",
            "feeds:\n- {id: a, url: https://a.example}\n- {id: new, url: https://new.example/f}\n",
        ),
        (
            "feeds: [{id: a, url: https://a.example}] # flow\n",
            "feeds: [{id: a, url: https://a.example}, {id: new, url: https://new.example/f}] # flow\n",
        ),
        (
            "\ufefffeeds:\r\n  - {id: a, url: https://a.example}\r\n# end\r\n",
            "\ufefffeeds:\r\n  - {id: a, url: https://a.example}\r\n" + NEW_LINE[:-1] + "\r\n# end\r\n",
        ),
    ],
)
def test_a_feed_is_added_in_the_files_own_style(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_bytes(before.encode())
    add_feeds(path, (NEW,))
    assert path.read_bytes().decode() == after


def test_the_last_feed_leaves_an_empty_list(tmp_path: Path) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_text("feeds: # mine\n  - {id: a, url: https://a.example}\ntopics: []\n")
    remove_feed(path, "a")
    assert path.read_text() == "feeds: [] # mine\ntopics: []\n"


def test_a_taken_id_and_an_unknown_id_are_refused(tended: Path) -> None:
    with pytest.raises(UsageError, match="already has a feed `a`"):
        add_feeds(tended, (Feed(id="a", url="https://x.example"),))
    with pytest.raises(UsageError, match=r"no feed `cc`.*did you mean `c`"):
        remove_feed(tended, "cc")
    assert tended.read_text() == TENDED


@pytest.mark.parametrize("broken", ["feeds: [\n", "feeds:\n  - {id: a}\n", "feds: []\n", "", "- a\n"])
def test_a_broken_file_is_refused_and_left_as_it_is(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_text(broken)
    with pytest.raises(ConfigError):
        add_feeds(path, (NEW,))
    with pytest.raises(ConfigError):
        remove_feed(path, "a")
    assert path.read_text() == broken
    assert list(tmp_path.iterdir()) == [path]


def test_a_feed_that_cannot_be_is_refused_and_the_file_left_as_it_is(tended: Path) -> None:
    with pytest.raises(ConfigError, match="expected an http or https address"):
        add_feeds(tended, (Feed(id="new", url="ftp://x.example"),))
    assert tended.read_text() == TENDED


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(AggregatorError, match="cannot read"):
        add_feeds(tmp_path / "feeds.yaml", (NEW,))


def test_an_edit_keeps_the_files_mode_and_follows_a_link(tended: Path, tmp_path: Path) -> None:
    tended.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(tended)
    add_feeds(link, (NEW,))
    assert link.is_symlink()
    assert tended.stat().st_mode & 0o777 == 0o640
    assert NEW_LINE in tended.read_text()


def test_an_address_in_an_unset_variable_does_not_stop_an_edit(tmp_path: Path) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_text("feeds: []\nsubscribers:\n  - {id: d, email: '${AGGREGATOR_X}'}\n")
    add_feeds(path, (NEW,))
    assert NEW_LINE in path.read_text()


@pytest.mark.parametrize(("id_", "old"), [("a", "https://a.example/f"), ("b", "https://b.example/f")])
def test_another_address_changes_no_other_byte(tended: Path, id_: str, old: str) -> None:
    edit = readdressed(tended, {id_: "https://new.example/feed?a=1"})
    assert tended.read_text() == TENDED == edit.before
    rewrite(tended, edit)
    assert tended.read_text() == TENDED.replace(old, "https://new.example/feed?a=1") == edit.after


@pytest.mark.parametrize(
    "url", ["https://n.example/f, id: evil", "https://n.example/a}b", "https://n.example/ #x", "https://n.example/'\""]
)
def test_an_address_is_never_read_as_anything_else(tmp_path: Path, url: str) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_text("feeds:\n  - {id: a, url: https://a.example/f}  # ours\n  - {id: b, url: 'https://b.example/'}\n")
    try:
        rewrite(path, readdressed(path, {"a": url}))
    except ConfigError:
        assert "a.example" in path.read_text()
    else:
        assert next((feed.id, feed.url) for feed in feedlist.load(path, {}).feeds) == ("a", url)
        assert "# ours" in path.read_text()


def test_a_file_that_changed_since_an_edit_was_made_is_left_alone(tended: Path) -> None:
    edit = readdressed(tended, {"a": "https://new.example/"})
    tended.write_text(f"# mine\n{TENDED}")
    with pytest.raises(AggregatorError, match="changed meanwhile"):
        rewrite(tended, edit)
    with pytest.raises(UsageError, match="no feed `nope`"):
        readdressed(tended, {"nope": "https://new.example/"})
