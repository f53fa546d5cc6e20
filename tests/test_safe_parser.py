"""No untrusted XML is read by a parser that entities can blow up."""

import asyncio
import pyexpat

import pytest

from aggregator.core.errors import ConfigError
from aggregator.workers import Workers


def test_nothing_starts_on_a_python_whose_expat_does_not_bound_entities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyexpat, "version_info", (2, 4, 0))
    with pytest.raises(ConfigError, match=r"expat 2\.4\.0, is unsafe"):
        asyncio.run(Workers(topics=()).start())
