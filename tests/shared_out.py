"""Runs that share one set of tests: each file is run by whichever comes to it first.

A run takes part if SHARED_OUT names a directory that all of them use and that was empty at the beginning. Each begins
where its own arguments begin, so that they meet somewhere in the middle, whatever the machine and the tests take.
"""

import os
from itertools import groupby, pairwise
from pathlib import Path
from urllib.parse import quote

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the files that nobody else has taken; as ever without a directory to share by, or if tests are missing."""
    directory = os.environ.get("SHARED_OUT")
    if directory is None or session.testsfailed or session.config.option.collectonly:
        return None
    for path, tests in groupby(session.items, lambda item: item.path):
        if not _taken(Path(directory) / quote(str(path), safe="")):
            continue
        # what follows may be another's: everything ends with the file
        for item, following in pairwise([*tests, None]):
            if item is not None:
                session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
    return True


def _taken(claim: Path) -> bool:
    try:
        claim.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
