"""What the log must not tell."""

import pytest
import structlog

from aggregator import logs


@pytest.mark.parametrize("style", ["human", "json"])
def test_a_surprise_in_the_log_shows_where_and_no_variables(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(style=style, level="info")
    try:
        try:
            surprise("desk" + "@example.org")  # in two parts: the traceback quotes the line
        except ValueError:
            structlog.get_logger().exception("a.surprise")
    finally:
        structlog.reset_defaults()
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert "desk@example.org" not in told


def surprise(address: str) -> None:
    raise ValueError(len(address))
