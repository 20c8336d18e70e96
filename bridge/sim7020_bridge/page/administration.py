"""What the page lets somebody do to a bridge that runs, beside its modems: all of it for the full role alone."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sim7020_bridge.config.model import Settings
from sim7020_bridge.page import broker_trial, configuration, diagnostics, ports, probing
from sim7020_bridge.page.administration_routes import Handlers
from sim7020_bridge.page.broker_trial import BrokerTrial
from sim7020_bridge.page.configuration import Configuration, Load, Reload
from sim7020_bridge.page.diagnostics import Diagnostics
from sim7020_bridge.page.facts import Facts
from sim7020_bridge.page.live import Live
from sim7020_bridge.page.log import LogLine
from sim7020_bridge.page.ports import Ports
from sim7020_bridge.page.probing import Probing


class Administration:
    """Configuration, ports and diagnostics.

    Args:
        file: The configuration.
        load: Reads a text in its place.
        in_force: Returns the settings that the bridge goes by.
        reload: Puts the file into force.
        live: What is known of the modems.
        modems: Returns the ports of the modems by their names.
    """

    def __init__(
        self,
        file: Path,
        *,
        load: Load,
        in_force: Callable[[], Settings],
        reload: Reload,
        live: Live,
        modems: Callable[[], Mapping[str, str]],
    ) -> None:
        shown = Configuration(file, load=load, in_force=in_force, reload=reload)
        listed = Ports(modems)
        self._live = live
        self._probing = Probing(listed)
        self.handlers: Final[Handlers] = {
            **configuration.handlers(shown),
            **ports.handlers(listed),
            **probing.handlers(self._probing),
            **broker_trial.handlers(BrokerTrial(file)),
            **diagnostics.handlers(Diagnostics(file, in_force=in_force), facts=self._facts),
        }

    async def _facts(self) -> Facts:
        modems = self._live.modems
        async with self._live.one_answer:
            recordings = {name: await shown.dialogue.recording(name) for name, shown in modems.items()}
            messages = {name: await shown.messages.outlines() for name, shown in modems.items()}
        return Facts(
            documents={name: shown.bridge.retained() for name, shown in modems.items()},
            log=[_written(line) for line in self._live.log.find()],
            recordings=recordings,
            messages=messages,
            history={name: await self._live.history(name, "week") for name in modems},
            probe=self._probing.last,
        )


def _written(line: LogLine) -> str:
    time = datetime.fromtimestamp(line.at, UTC).isoformat(" ", "milliseconds")
    about = f"[{line.modem}] " if line.modem else ""
    return f"{time} {line.level.upper():<7} {about}{line.part}: {line.message}"
