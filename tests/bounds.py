"""What a coarse bound asks, tried on the words of one entry: the plain reading that the store's queries are held to."""

from aggregator.core.topics.coarse import AllOf, AnyOf, Coarse, OfFeeds, Term


def holds(bound: Coarse | None, words: frozenset[str], feed: str = "") -> bool:
    match bound:
        case None:
            return True
        case OfFeeds(ids):
            return feed in ids
        case Term(text, prefix):
            return any(word.startswith(text) for word in words) if prefix else text in words
        case AnyOf(parts):
            return any(holds(part, words, feed) for part in parts)
        case AllOf(parts):
            return all(holds(part, words, feed) for part in parts)
