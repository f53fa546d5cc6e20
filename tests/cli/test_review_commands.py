"""`review`, and what `topics list` and `topics noise` make of it."""

from tests.commands import Shell


def entry_of(shell: Shell, title: str) -> int:
    ids: dict[str, int] = {line["title"]: line["id"] for line in shell.run("entries", "--json").lines}
    return ids[title]


def test_a_match_is_reviewed_by_its_number_or_by_its_entry_and_topic(polled: Shell) -> None:
    entry = entry_of(polled, "Customs seize fentanyl")
    (match,) = polled.run("show", str(entry), "--json").line["matches"]
    told = polled.run("review", str(match["id"]), "relevant", "--json").line
    assert (told["entry"], told["topic"], told["verdict"]) == (entry, "narcotics", "relevant")
    said = polled.run("review", f"{entry}:narcotics", "noise")
    assert said.code == 0
    assert "noise: Customs seize fentanyl" in said.out
    assert f"match {match['id']}" in polled.run("show", str(entry)).out


def test_the_last_verdict_counts(polled: Shell) -> None:
    entry = entry_of(polled, "Customs seize fentanyl")
    assert polled.run("topics", "list", "--json").line["reviewed"] == {"relevant": 0, "noise": 0, "precision": None}
    polled.run("review", f"{entry}:narcotics", "noise")
    assert polled.run("topics", "list", "--json").line["reviewed"] == {"relevant": 0, "noise": 1, "precision": 0.0}
    polled.run("review", f"{entry}:narcotics", "relevant")
    assert polled.run("topics", "list", "--json").line["reviewed"] == {"relevant": 1, "noise": 0, "precision": 1.0}
    assert "1 of 1" in polled.run("topics", "list").out


def test_what_is_no_match_is_wrong_usage(polled: Shell) -> None:
    entry = entry_of(polled, "Parliament debates budget")
    for name in ("99", f"{entry}:narcotics", "abc", "1:", "²"):
        ran = polled.run("review", name, "noise")
        assert (ran.code, ran.out) == (2, ""), name
    wrong = polled.run("review", "1", "good")
    assert wrong.code == 2
    assert wrong.err.startswith("error: invalid value for 'verdict': 'good' is not one of ")


def test_the_noisy_clause_is_named_and_a_draft_is_measured_on_the_reviews(polled: Shell) -> None:
    entry = entry_of(polled, "Customs seize fentanyl")
    assert "no match of narcotics was reviewed yet" in polled.run("topics", "noise", "narcotics").err
    polled.run("review", f"{entry}:narcotics", "noise")
    told = polled.run("topics", "noise", "narcotics", "--json").line
    assert (told["flagged"], told["noisiest"], told["precision"]) == ({"relevant": 0, "noise": 1}, "keywords", 0.0)
    assert told["exclusion"]["noise_dropped"] == 1
    shown = polled.run("topics", "noise", "narcotics").out
    assert "noisiest  keywords: without it 1 of the noise would fall below 1, and 0 relevant" in shown
    polled.write((polled.folder / "feeds.yaml").read_text().replace("fentanyl", "opium"))
    assert polled.run("topics", "noise", "narcotics", "--json").line["unflagged"] == {"relevant": 0, "noise": 1}
