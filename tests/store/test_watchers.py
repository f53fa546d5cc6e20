"""Who is told of a match: everybody who watches its topic at the moment it is stored, and nobody else."""

from collections import defaultdict
from datetime import time, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, update

from aggregator.core.model.plans import Watcher
from aggregator.core.model.subscriptions import Schedule, SubscriberState, SubscriptionSpec
from aggregator.store import audience, optouts, subscribers, topics
from aggregator.store.database import Store
from aggregator.store.schema import subscriber, subscription
from tests.factories import NOW, make_subscriber, make_topic

TOPICS = ("a", "b", "c")
HELD = {SubscriberState.ACTIVE: "", SubscriberState.PAUSED: "paused", SubscriberState.BOUNCED: "bounced"}

people = st.lists(
    st.tuples(
        st.sampled_from(SubscriberState),
        st.booleans(),  # listed
        st.lists(
            st.tuples(
                st.lists(st.sampled_from(TOPICS), min_size=1, unique=True),
                st.lists(st.sampled_from(["", *TOPICS, "gone"]), unique=True, max_size=2),  # left by its reader
                st.booleans(),  # immediate
                st.booleans(),  # listed
            ),
            max_size=3,
        ),
    ),
    max_size=4,
)


def by_hand(connection: Connection) -> dict[str, tuple[Watcher, ...]]:
    """Who watches each topic, from everything that is known of everybody."""
    watching: dict[str, list[Watcher]] = defaultdict(list)
    for member in subscribers.members(connection):
        state = member.subscriber.state
        for one in member.subscriptions if state in HELD else ():
            for topic_id in one.told:
                held = HELD[state]
                watching[topic_id].append(Watcher(subscription_id=one.id, immediate=one.schedule.immediate, held=held))
    return {topic_id: tuple(who) for topic_id, who in watching.items()}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(people)
def test_the_watchers_of_some_topics_are_those_of_all_people_who_watch_them(
    store: Store, given_people: list[Any]
) -> None:
    def check(connection: Connection) -> None:
        with connection.begin_nested() as example:
            _make(connection, given_people)
            everybody = by_hand(connection)
            for asked in ((), ("a",), ("b", "c"), (*TOPICS, "unknown")):
                expected = {topic_id: who for topic_id, who in everybody.items() if topic_id in asked}
                assert audience.watchers(connection, asked) == expected
            example.rollback()

    store.write(check)


def _make(connection: Connection, given_people: list[Any]) -> None:
    topics.save(connection, [make_topic(one) for one in TOPICS], now=NOW)
    specs = [
        make_subscriber(
            f"person{number}",
            subscriptions=tuple(
                SubscriptionSpec(
                    slug=f"s{position}",
                    topics=tuple(watched),
                    schedule=Schedule(immediate=True) if immediate else Schedule(at=(time(7, 30),)),
                )
                for position, (watched, _, immediate, _) in enumerate(theirs)
            ),
        )
        for number, (_, _, theirs) in enumerate(given_people)
    ]
    subscribers.save(connection, specs, {one.slug: one.slug for one in specs}, now=NOW)
    for member, (state, listed, theirs) in zip(subscribers.members(connection), given_people, strict=True):
        which = subscriber.c.id == member.subscriber.id
        connection.execute(update(subscriber).where(which).values(state=state.value, listed=listed))
        for one, (_, left, _, of_file) in zip(member.subscriptions, theirs, strict=True):
            for topic_id in left:
                optouts.leave(connection, one.id, topic_id, now=NOW + timedelta(hours=1))
            connection.execute(update(subscription).where(subscription.c.id == one.id).values(listed=of_file))
