"""One service a database: the second one is told who holds it."""

import pytest

from aggregator.core.errors import AlreadyRunningError
from aggregator.store import lock
from tests.factories import NOW


def test_a_second_service_is_refused_with_a_line_that_says_who_holds_it(database: str) -> None:
    with (
        lock.service_lock(database, now=NOW),
        pytest.raises(AlreadyRunningError, match="process"),
        lock.service_lock(database, now=NOW),
    ):
        pytest.fail("two services on one database")


def test_the_lock_is_free_again_when_its_holder_ends(database: str) -> None:
    with lock.service_lock(database, now=NOW):
        assert lock.holder_of(database) is not None
    assert lock.holder_of(database) is None
    with lock.service_lock(database, now=NOW):
        pass
