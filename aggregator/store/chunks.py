"""Many values -> parts that fit into one statement, for databases bound how many a query may name."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select

T = TypeVar("T")

CHUNK = 500  # bound values a statement


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """`values` in their order, in lists of at most `size`."""
    listed = list(values)
    return (listed[start : start + size] for start in range(0, len(listed), size))


def rows_of(
    connection: Connection, query: Select[Any], column: ColumnElement[Any], values: Iterable[Any]
) -> Iterator[Row[Any]]:
    """The rows of `query` in which `column` is one of `values`, asked for in parts; an order holds within each part."""
    for part in chunks(values):
        yield from connection.execute(query.where(column.in_(part)))
