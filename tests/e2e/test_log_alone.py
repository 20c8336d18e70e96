"""What a reader of the log alone learns of modems in trouble: what is wrong, what to do, and that it is over.

One bridge as a process of its own, with a modem in each of the troubles that an operator meets first.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from sim7020_emulator.line.trace import Trace
from tests.e2e.here import EmulatorHere
from tests.e2e.mqtt_peer import Heard
from tests.e2e.programs import BridgeProcess
from tests.e2e.servers import until
from tests.e2e.service_kit import Configured
from tests.e2e.world import World

TOLD_WITHIN = 10.0
"""Seconds from an alert until the log has told it."""


@dataclass(frozen=True)
class Trouble:
    """One modem and how it is.

    Args:
        module: What its emulator is started with.
        says: What is wrong, as the log has to say it.
        advises: What to do.
        alert: Whether there is an alert; a search for a network may still succeed.
        settings: The modem's, beside its port.
        mended: What then happens to the module.
        absent: Whether there is no device at all until it is over.
    """

    module: tuple[str, ...] = ()
    says: str = ""
    advises: str = ""
    alert: bool = True
    settings: Mapping[str, object] = field(default_factory=dict)
    mended: tuple[str, ...] = ()
    absent: bool = False


TROUBLES = {
    "barred": Trouble(
        ("--scenario", "denied-illegal-ue"),
        "The network denied registration: illegal UE",
        "Check with the operator",
        mended=("registration home",),
    ),
    "denied": Trouble(
        ("--scenario", "denied-for-good"),
        "The network denied registration: EPS services and non-EPS services not allowed",
        "Check with the operator",
        mended=("registration home",),
    ),
    "apn": Trouble(
        ("--scenario", "apn-unknown"),
        "refused its data connection",
        "Check the APN",
        mended=("set refused_apn=", "registration home"),
    ),
    "antenna": Trouble(
        ("--scenario", "no-signal-for-good"),
        "no usable signal",
        "check the antenna",
        alert=False,
        mended=("signal 21", "registration home"),
    ),
    "rate": Trouble(
        ("--scenario", "rate-wrong"),
        "not at this baud rate",
        "Set baudrate",
        mended=("rate 115200",),
    ),
    "pin": Trouble(
        ("--scenario", "sim-pin"),
        "The SIM asks for its PIN",
        "Set the right pin",
        settings={"pin": "9999"},
        mended=("sim ready",),
    ),
    "sim": Trouble(("--set", "sim=absent"), "There is no SIM", "Put the SIM in", mended=("sim ready",)),
    "off": Trouble(("--do", "power off"), "Nothing answers at the port", "switched on (PWRKEY)", mended=("power on",)),
    "unplugged": Trouble(says="there is no such device", advises="Plug the modem in", absent=True),
    "well": Trouble(says="online: CHN-UNICOM, registered at home, address 10.250.0.213, APN shnbiot", alert=False),
}
"""A trouble by the name of its modem; the last is none, and has no socket either."""


class Log:
    """What the bridge has logged at level info, line by line."""

    def __init__(self, bridge: BridgeProcess) -> None:
        self._bridge = bridge

    def of(self, modem: str) -> list[tuple[datetime, str]]:
        """Return when something was told of a modem, and what."""
        *whole, _ = self._bridge.log.split("\n")  # the last may be half written
        lines = (json.loads(line) for line in whole)
        return [(datetime.fromisoformat(line["time"]), line["message"]) for line in lines if line["modem"] == modem]

    def told(self, modem: str, *words: str) -> datetime | None:
        """Return when one line told all of that, first; None if none has."""
        return next((at for at, line in self.of(modem) if all(each in line for each in words)), None)


def raised(heard: list[Heard], modem: str) -> Iterator[dict[str, Any]]:
    """Yield the alerts that were ever raised for a modem."""
    for each in heard:
        if each.topic.startswith(f"sim7020/{modem}/alert/") and each.payload:
            yield each.json()


@pytest.mark.timeout(180)
async def test_the_log_alone(world: World, tmp_path: Path) -> None:
    """Of each trouble it tells within 10 s of the alert what is wrong and what to do, and it says when it is over."""
    fast = ("--baud", "0", "--speed", "0")
    emulators = {
        name: EmulatorHere([*fast, "--link", str(tmp_path / name), *trouble.module], Trace(StringIO()))
        for name, trouble in TROUBLES.items()
    }
    service = Configured(world, "", {}, logging={"format": "json"})
    service.tree["modems"] = {
        name: {"port": str(tmp_path / name), "sockets": {}, **trouble.settings} for name, trouble in TROUBLES.items()
    }
    log = Log(service.bridge)
    async with AsyncExitStack() as ends:
        for name, emulator in emulators.items():
            ends.push_async_callback(emulator.stop)
            if not TROUBLES[name].absent:
                await emulator.start()
        service.write()
        await world.add(service.bridge, *TROUBLES)
        await until(lambda: all(log.told(name, each.says, each.advises) for name, each in TROUBLES.items()))
        alerting = {name for name, trouble in TROUBLES.items() if trouble.alert}
        await until(lambda: alerting <= {name for name in TROUBLES if list(raised(world.mqtt.heard, name))})
        for name in TROUBLES:
            alerts = list(raised(world.mqtt.heard, name))
            assert name in alerting or not alerts, (name, alerts)
            for alert in alerts:
                at = log.told(name, alert["message"], alert["advice"])
                assert at is not None, (name, alert)
                assert (at - datetime.fromisoformat(alert["since"])).total_seconds() < TOLD_WITHIN, (name, alert)
        for name, trouble in TROUBLES.items():
            for event in trouble.mended:
                emulators[name].tell(event)
            if trouble.absent:
                await emulators[name].start()
        await until(lambda: all("online: " in log.of(name)[-1][1] for name in TROUBLES))
        for name in TROUBLES:
            for message in {alert["message"] for alert in raised(world.mqtt.heard, name)}:
                assert log.told(name, f"resolved: {message}"), (name, message)
            assert "online: " in log.of(name)[-1][1], name
        await world.end_bridges()
