"""Programs of the machine that some tests need: without one a test skips, and with `CI` set, which promises them all, it fails."""

import os
import shutil

import pytest


def need(*names: str, also_in: str = "") -> str:
    """Where the first of these is that the machine has; `also_in` is a folder beyond PATH."""
    path = os.pathsep.join(filter(None, (os.environ.get("PATH", os.defpath), also_in)))
    for name in names:
        if program := shutil.which(name, path=path):
            return program
    missing = f"no {names[0]} on this machine; `.ci/run` installs it"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
