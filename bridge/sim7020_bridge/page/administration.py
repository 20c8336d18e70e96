"""What the page lets somebody do to a bridge that runs, beside its modems: all of it for the full role alone."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from sim7020_bridge.config.model import Settings
from sim7020_bridge.http.app import App
from sim7020_bridge.page import broker_trial, configuration, ports, probing
from sim7020_bridge.page.broker_trial import BrokerTrial
from sim7020_bridge.page.configuration import Configuration, Load, Reload
from sim7020_bridge.page.ports import Ports
from sim7020_bridge.page.probing import Probing


class Administration:
    """Configuration, ports and diagnostics.

    Args:
        file: The configuration.
        load: Reads a text in its place.
        in_force: Returns the settings that the bridge goes by.
        reload: Puts the file into force.
        modems: Returns the ports of the modems by their names.
    """

    def __init__(
        self,
        file: Path,
        *,
        load: Load,
        in_force: Callable[[], Settings],
        reload: Reload,
        modems: Callable[[], Mapping[str, str]],
    ) -> None:
        shown = Configuration(file, load=load, in_force=in_force, reload=reload)
        listed = Ports(modems)
        self.probing: Final = Probing(listed)
        self.parts: Final[Sequence[Callable[[App], None]]] = (
            partial(configuration.routes, configuration=shown),
            partial(ports.routes, ports=listed),
            partial(probing.routes, probing=self.probing),
            partial(broker_trial.routes, trial=BrokerTrial(file)),
        )
