"""Reviews become blame and advice: the clause that brings the noise, and the exclusion that is worth its price."""

from aggregator.core.model.topics import Clause, ClauseKind, Topic
from aggregator.core.topics.fields import EntryFields
from aggregator.core.topics.index import TopicIndex
from aggregator.core.topics.noise import Reviewed, find_noise

TOPIC = Topic(
    id="t",
    name="T",
    clauses=(
        Clause(name="drugs", kind=ClauseKind.SIGNAL, query="drug* # any of them", weight=2),
        Clause(name="seizures", kind=ClauseKind.SIGNAL, query="seiz*", weight=2),
        Clause(name="police", kind=ClauseKind.CONTEXT, query="police", weight=1),
    ),
    flag_at=2,
    alert_at=2,
)


def said(title: str, *, relevant: bool) -> Reviewed:
    return Reviewed(fields=EntryFields(text=title), relevant=relevant)


REVIEWED = [
    said("Drug prices rise again", relevant=False),
    said("Drug prices fall in May", relevant=False),
    said("Drugs seized at sea", relevant=True),
    said("Police seized cocaine", relevant=True),
    said("Drug trial opens", relevant=True),
]


def test_the_clause_that_brings_the_noise_is_named_with_what_hangs_on_it() -> None:
    found = find_noise(TOPIC, REVIEWED)
    assert (found.relevant, found.noise) == (3, 2)
    assert found.noisiest is not None
    assert found.noisiest.clause == "drugs"
    # Without `drugs` both price stories end, and the trial; the seizure at sea has another signal.
    assert (found.noisiest.noise_dropped, found.noisiest.relevant_lost) == (2, 1)


def test_the_exclusion_that_helps_is_measured_as_the_language_would_find_it() -> None:
    best = find_noise(TOPIC, REVIEWED).exclusion
    assert best is not None
    assert (best.clause, best.word, best.noise_dropped, best.relevant_lost) == ("drugs", "prices", 2, 0)
    changed = Clause(name="drugs", kind=ClauseKind.SIGNAL, query=best.query, weight=2)
    index = TopicIndex((Topic(id="t", name="T", clauses=(changed, *TOPIC.clauses[1:]), flag_at=2, alert_at=2),))
    assert [bool(index.evaluate(one.fields)) for one in REVIEWED] == [False, False, True, True, True]


def test_an_exclusion_that_costs_more_than_it_spares_is_not_offered() -> None:
    reviewed = [said("Drug raid", relevant=False), said("Drug raid in port", relevant=True)]
    assert find_noise(TOPIC, reviewed).exclusion is None


def test_what_a_version_no_longer_flags_is_counted_apart() -> None:
    found = find_noise(TOPIC, [*REVIEWED, said("Budget debate", relevant=False), said("Opium fields", relevant=True)])
    assert (found.silenced, found.missed) == (1, 1)
    assert (found.relevant, found.noise) == (3, 2)


def test_without_noise_no_clause_is_blamed() -> None:
    found = find_noise(TOPIC, [one for one in REVIEWED if one.relevant])
    assert (found.noisiest, found.exclusion) == (None, None)
    assert find_noise(TOPIC, []).clauses[0].noise == 0
