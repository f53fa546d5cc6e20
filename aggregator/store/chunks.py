"""Many values -> parts that fit into one statement, for databases bound how many a query may name."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

CHUNK = 500  # bound values a statement


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """`values` in their order, in lists of at most `size`."""
    listed = list(values)
    return (listed[start : start + size] for start in range(0, len(listed), size))
