"""`plan` and `apply` of a topic that changed, with an archive behind it."""

from tests.commands import Shell


def widen(shell: Shell) -> None:
    shell.write((shell.folder / "feeds.yaml").read_text().replace("fentanyl,", "fentanyl, budget,"))


def matches(shell: Shell) -> dict[str, list[str]]:
    return {line["title"]: line["topics"] for line in shell.run("entries", "--json").lines}


def test_plan_counts_what_a_changed_topic_would_match_and_writes_nothing(polled: Shell) -> None:
    widen(polled)
    told = polled.run("plan", "--json").lines[-1]
    assert told == {"kind": "replay", "noun": "topic", "id": "narcotics", "entries": 2, "new": 1, "notify": False}
    assert "narcotics: 2 stored entries would match, 1 for the first time" in polled.run("plan").out
    assert matches(polled)["Parliament debates budget"] == []


def test_apply_writes_what_it_counted_and_mails_nobody(polled: Shell) -> None:
    widen(polled)
    ran = polled.run("apply")
    assert ran.code == 0
    assert "2 stored entries match, 1 for the first time; nobody is mailed for the past" in ran.out
    assert matches(polled)["Parliament debates budget"] == ["narcotics"]
    assert polled.run("status", "--json").line["ledger"] == {"pending": 1, "suppressed": 1}
    assert polled.run("apply", "--json").lines == []


def test_apply_mails_the_past_where_it_is_told_to(polled: Shell) -> None:
    widen(polled)
    assert "mailed with what is due next" in polled.run("apply", "--notify").out
    assert polled.run("status", "--json").line["ledger"] == {"pending": 2}


def test_a_change_that_no_match_hangs_on_counts_nothing(polled: Shell) -> None:
    polled.write((polled.folder / "feeds.yaml").read_text().replace("id: narcotics,", "id: narcotics, name: Drugs,"))
    assert [line["kind"] for line in polled.run("apply", "--json").lines] == ["change"]


def test_a_topic_that_does_not_compile_keeps_the_last_good_state(polled: Shell) -> None:
    polled.write(
        (polled.folder / "feeds.yaml").read_text().replace("keywords: [fentanyl", "query: '(', keywords: [tea")
    )
    assert polled.run("apply").code == 2
    assert polled.run("topics", "list", "--json").line["version"] == 1
    assert matches(polled)["Customs seize fentanyl"] == ["narcotics"]


def test_of_a_long_query_only_what_differs_is_shown(polled: Shell) -> None:
    words = " OR ".join(f"word{n}" for n in range(60))
    before = (polled.folder / "feeds.yaml").read_text()
    long = before.replace('keywords: [fentanyl, "precursor chemicals"]', f"query: {words}")
    polled.write(long)
    assert polled.run("apply").code == 0
    polled.write(long.replace("word30", "opium OR poppy"))
    shown = polled.run("plan").out
    assert "… word28 OR word29 OR [-word30-] {+opium OR poppy+} OR word31 OR word32 …" in " ".join(shown.split())
    assert "word50" not in shown
