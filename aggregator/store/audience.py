"""How many people our requests speak for."""

from sqlalchemy import Connection, exists, func, or_, select

from aggregator.core.model.subscriptions import SubscriberState
from aggregator.store.schema import opt_out, subscriber, subscription, subscription_topic


def readers(connection: Connection) -> int:
    """How many people watch a topic and take mail now: whom an entry of any feed may reach."""
    watching = (
        select(func.count(subscriber.c.id.distinct()))
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .join(subscription_topic, subscription_topic.c.subscription_id == subscription.c.id)
        .where(subscriber.c.listed, subscription.c.listed, subscriber.c.state == SubscriberState.ACTIVE.value)
    )
    of_it = or_(opt_out.c.topic_id == "", opt_out.c.topic_id == subscription_topic.c.topic_id)
    left = exists().where(opt_out.c.subscription_id == subscription.c.id, of_it)
    number: int = connection.execute(watching.where(~left)).scalar_one()
    return number
