"""The page before there is a configuration hands over to the bridge without losing a signal."""

import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest

from sim7020_bridge.service.setup import Setup
from tests.ports import free_port
from tests.web import get, post, until

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
FORM = {"mqtt": {"host": "127.0.0.1"}, "modem": {"name": "shed", "port": "/dev/none"}}


async def begun(directory: Path) -> tuple[asyncio.Task[bool], int]:
    """Start a set-up, and return it with its port once somebody listens there."""
    port = free_port()
    running = asyncio.create_task(Setup(directory / "bridge.yaml", {"port": port, "page": True}).run())
    served = asyncio.create_task(asyncio.open_connection("127.0.0.1", port))
    while True:
        try:
            _, writer = await served
        except OSError:
            await asyncio.sleep(0.01)
            served = asyncio.create_task(asyncio.open_connection("127.0.0.1", port))
        else:
            writer.close()
            return running, port


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the state in the test's own directory."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))


async def test_signals_wait_for_the_bridge(tmp_path: Path) -> None:
    """Between the two, one must neither end the process nor be lost."""
    running, port = await begun(tmp_path)
    try:
        assert (await post(port, "/api/setup", FORM)).status == 200
        assert await running
        assert set(SIGNALS) <= signal.pthread_sigmask(signal.SIG_BLOCK, ())
        # to a thread that does not block it, as one that was begun before and still ends
        thread = threading.Thread(target=_raise_unblocked, args=(signal.SIGTERM,))
        thread.start()
        thread.join()
        assert signal.sigtimedwait([signal.SIGTERM], 10) is not None
    finally:
        _as_before()


async def test_a_signal_after_the_last_word(tmp_path: Path) -> None:
    """Whoever ends the process once the configuration is written does not want a bridge."""
    setup = Setup(tmp_path / "bridge.yaml", {"port": free_port(), "page": True})
    running = asyncio.create_task(setup.run())
    await until(lambda: signal.getsignal(signal.SIGTERM) != signal.SIG_DFL)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        setup._done()
        assert not await running
    finally:
        _as_before()


async def test_a_mistake_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told at once; what is said of modems is for later."""
    monkeypatch.setenv("SIM7020_MODEMS__SHED__APN", "a.b")
    running, port = await begun(tmp_path)
    assert (await get(port, "/api/setup")).document() == {"mqtt": None, "password": False}
    running.cancel()
    await asyncio.wait({running})
    _as_before()


def _raise_unblocked(number: signal.Signals) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
    signal.pthread_kill(threading.get_ident(), number)


def _as_before() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
