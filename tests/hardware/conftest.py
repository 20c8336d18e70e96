"""A real module on the table: the options that say where it is, and one acceptance run for all tests."""

import asyncio

import pytest

from sim7020_bridge.kit.accept.checks import CHECKS
from sim7020_bridge.kit.accept.run import Acceptance, Record, Wanted


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say where the module is, and what may be done with it."""
    group = parser.getgroup("a real module")
    group.addoption("--modem", metavar="PORT", help="its port")
    group.addoption("--echo", metavar="ADDRESS:PORT", help="where UDP and TCP come back")
    group.addoption("--yes", action="store_true", help="agree to what costs data, or is stored in it")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each check that is to be done."""
    option = metafunc.config.getoption
    done = [c.name for c in CHECKS if (option("yes") or not c.price) and (option("echo") or not c.echo)]
    metafunc.parametrize("check", done)


@pytest.fixture(scope="session")
def record(request: pytest.FixtureRequest) -> Record:
    """Try the module once."""
    option = request.config.getoption
    if not option("modem"):
        raise pytest.UsageError("--modem PORT says where the module is")
    host, _, port = (option("echo") or "").rpartition(":")
    agreed = [check.name for check in CHECKS] if option("yes") else ()
    wanted = Wanted(option("modem"), echo=(host, int(port)) if port else None, patience=300.0, agreed=agreed)

    async def tried() -> Record:
        run = Acceptance(wanted, begin=lambda _: None, tell=lambda _: None, save=lambda _: None)
        await run.run()
        return run.record

    return asyncio.run(tried())
