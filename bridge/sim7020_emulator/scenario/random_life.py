"""A long life of faults in random order, the same for the same seed.

Every fault is taken once before any comes again; each ends by itself; before the next the module gets some time.
"""

import random
from dataclasses import dataclass

from sim7020_emulator.scenario.events import read_event
from sim7020_emulator.scenario.player import Player
from sim7020_emulator.schedule import Schedule

_PAUSE = (20.0, 60.0)
"""Seconds of peace between a fault and the next, at least and at most."""

_PATIENCE = 120.0
"""Seconds that a module gets to come online again before the next fault comes all the same."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault: its events, and those that end it.

    Args:
        lasts: Seconds from the one to the other, at least and at most.
    """

    events: tuple[str, ...]
    ends: tuple[str, ...] = ()
    lasts: tuple[float, float] = (1.0, 1.0)


TROUBLES = (
    Trouble(("sim absent",), ("sim ready",), (5, 60)),
    Trouble(("sim failed",), ("sim ready",), (5, 60)),
    Trouble(("registration searching", "signal 99"), ("signal 20", "registration home"), (10, 180)),
    Trouble(("registration denied:15",), ("registration home",), (20, 180)),
    Trouble(("registration denied:11",), ("registration home",), (20, 180)),
    Trouble(("registration roaming",), ("registration home",), (20, 120)),
    Trouble(("signal 3",), ("signal 20",), (20, 120)),
    Trouble(("detach",)),
    Trouble(("loss 30 60",), (), (60, 60)),
    Trouble(("back-off 90",), (), (90, 90)),
    Trouble(("pdn lost",)),
    Trouble(('refuse "AT+CGACT=1*" 148 2', "pdn lost"), ("mend",), (20, 60)),
    *(Trouble((f"socket {code}",)) for code in ("close", "reset", *(str(code) for code in (-1, *range(1, 13))))),
    *(Trouble((f"connect-fails {code} 2", f"socket {code}")) for code in (1, 2, 3, 11)),
    *(Trouble((f"send-fails {code}",)) for code in (2, 6, 11)),
    Trouble(("deaf 15",), (), (15, 15)),
    Trouble(("deaf 90",), (), (90, 90)),
    Trouble(("mute 20",), (), (20, 20)),
    Trouble(("stuck-echo 30",), (), (30, 30)),
    Trouble(("slow 2 60",), (), (60, 60)),
    Trouble(("noise 3 30",), (), (30, 30)),
    Trouble(("garbage 200",)),
    Trouble(("garbage 4000",)),
    Trouble(('withhold "*" 2',), ("mend",), (30, 60)),
    Trouble(('no-final "*" 2',), ("mend",), (30, 60)),
    Trouble(('refuse "*" ERROR 3',), ("mend",), (30, 60)),
    Trouble(("storm 5 50",), (), (5, 5)),
    Trouble(("reboot",)),
    Trouble(("reboot silent",)),
    Trouble(("power cycle",), (), (10, 20)),
    Trouble(("power off",), ("power on",), (5, 120)),
    Trouble(("supply low",)),
    Trouble(("supply too-low",), ("power on",), (5, 60)),
    Trouble(("sleep 45",), (), (45, 45)),
    Trouble(("port move",)),
    Trouble(("port close 10",), (), (10, 10)),
    Trouble(("port close 60",), (), (60, 60)),
    Trouble(("setting E=1",)),
    Trouble(("swallow 120", "socket reset"), (), (120, 120)),
    Trouble(("lag 1.5 60",), (), (60, 60)),
    Trouble(("lag 7 60",), (), (60, 60)),
    Trouble(("spoil 5 30",), (), (30, 30)),
    Trouble(('late "AT+CSOSEND=*" 50 1',), ("mend",), (60, 60)),
    *(
        Trouble((f'refuse "{command}=*" ERROR', "socket reset"), ("mend",), (30, 600))
        for command in ("AT+CSOC", "AT+CSOCON", "AT+CSOSEND")
    ),
    Trouble(('refuse "AT+CSOCL=*" ERROR 2', "socket reset"), ("mend",), (20, 60)),
    Trouble(('refuse "AT+CFUN=*" ERROR 3', "registration none"), ("registration home", "mend"), (20, 120)),
    Trouble(('refuse "AT+CPIN*" 14', "reboot"), ("mend",), (10, 60)),
    Trouble(('replace "+CPIN: *" "+CPIN: SIM BUSY"', "reboot"), ("mend",), (10, 60)),
    Trouble(('misspell "+CSOC: *" 2', "socket reset"), ("mend",), (20, 60)),
    Trouble(('misspell "+CSOERR: *" 2', "socket reset"), ("mend",), (20, 60)),
    Trouble(('misspell "+CEREG: *" 3', 'misspell "+CGEV: *" 3', "detach"), ("mend",), (20, 60)),
    Trouble(('misspell "*PSM*"', "sleep 45"), ("mend",), (50, 50)),
    Trouble(('replace "+CTRJ: *" "+CTRJ: 4294967295"', "detach"), ("mend",), (60, 60)),
    Trouble(
        (
            'replace "+CSQ: *" "+CSQ: 199,32"',
            'replace "+CBC: *" "+CBC: 255,65535"',
            'replace "+CCLK: *" "+CCLK: 80/01/06,00:00:07+00"',
        ),
        ("mend",),
        (60, 400),
    ),
    *(
        Trouble((f"set address={address}", "pdn lost"), ("set address=10.250.0.213", "pdn lost"), (10, 120))
        for address in ("", "0.0.0.0", "2001:db8::2")  # noqa: S104 (an address of a PDN)
    ),
    Trouble(
        ("setting E=0", "setting Q=1", "setting CREG=2", "save", "reboot silent"), ("setting Q=0", "save"), (60, 60)
    ),
    Trouble(("setting V=0", "setting CMEE=2")),
    Trouble(("slam 20",), (), (20, 20)),
    Trouble(("slam 30 'Port already in use'",), (), (30, 30)),
)


class RandomLife:
    """Faults without end.

    Args:
        seed: The same seed gives the same faults in the same order, with the same pauses.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._random = random.Random(seed)  # noqa: S311 (a dice for faults, no secret)

    def begin(self, schedule: Schedule, player: Player) -> None:
        """Let it begin; it ends with the schedule."""
        schedule.start(self._live(schedule, player), "random life")

    async def _live(self, schedule: Schedule, player: Player) -> None:
        while True:
            for trouble in self._random.sample(TROUBLES, len(TROUBLES)):
                pause, lasts = self._random.uniform(*_PAUSE), self._random.uniform(*trouble.lasts)
                await player.wait_online(_PATIENCE)
                await schedule.wait(pause)
                for text in trouble.events:
                    player.perform(read_event(text))
                await schedule.wait(lasts)
                for text in trouble.ends:
                    player.perform(read_event(text))
