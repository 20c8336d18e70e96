"""``ports`` on the emulator's pseudo-terminal: who has it open, and whether a modem answers there."""

import json
import sys
from pathlib import Path

import serial

from tests.e2e.programs import Emulator
from tests.e2e.world import run
from tests.pty_peer import PtyPeer

PORTS = (sys.executable, "-m", "sim7020_bridge", "ports")


async def test_a_modem_answers_and_others_are_left_alone(tmp_path: Path) -> None:
    """Only when told to, a port is asked whether a modem is there."""
    emulator = Emulator(tmp_path, "module", ["--baud", "0", "--speed", "0", "--attached"])
    await emulator.start()
    try:
        code, out, err = await run(*PORTS, "--json", emulator.place)
        assert (code, err) == (0, "")
        (port,) = json.loads(out)["ports"]
        assert port["asked"] is None
        assert emulator.commands() == []
        code, out, err = await run(*PORTS, "--json", "--ask", emulator.place)
        assert (code, err) == (0, "")
        assert json.loads(out)["ports"][0]["asked"] == {"at": True, "model": "SIM7020E", "problem": None}
        code, out, _ = await run(*PORTS, "--ask", emulator.place)
        assert "answers AT: SIM7020E" in out
    finally:
        await emulator.stop()


async def test_a_missing_port_is_an_error_of_one_line(tmp_path: Path) -> None:
    """A port that is not there is said in one line."""
    nothing = str(tmp_path / "nothing")
    code, out, err = await run(*PORTS, nothing)
    assert (code, out, err) == (1, "", f"{nothing}: there is no such device\n")


async def test_a_busy_port_is_shown_as_held() -> None:
    """A port that another program has open is listed with the program, and can't be asked."""
    async with PtyPeer() as peer:
        with serial.Serial(peer.path, exclusive=True):
            code, out, err = await run(*PORTS, "--ask", peer.path)
    assert (code, err) == (0, "")
    assert "held by the program" in out
    assert "answers AT" not in out
    assert "has it open" in out


async def test_a_rate_that_no_module_has_is_refused() -> None:
    """A wrong rate is a wrong command line."""
    code, out, err = await run(*PORTS, "--baud", "7")
    assert (code, out) == (2, "")
    assert "no rate of 7" in err
