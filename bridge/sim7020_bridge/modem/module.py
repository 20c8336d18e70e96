"""The module behind an open port: its channel, what is known of it, and the exchanges that take more than one line."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from sim7020_bridge.at.channel import Channel
from sim7020_bridge.at.command import Command, ReadNumber
from sim7020_bridge.at.exchange import Pipeline
from sim7020_bridge.commands.clock import SntpReport, StartSntp, StopSntp
from sim7020_bridge.commands.network import NameResolution, Ping, PingReply, ResolveName
from sim7020_bridge.commands.packet import DefaultApn, SetDefaultApn
from sim7020_bridge.commands.power import SetReleaseAssistance
from sim7020_bridge.commands.secrets import mask
from sim7020_bridge.config.model import ModemSettings
from sim7020_bridge.errors import (
    CommandHeldBack,
    CommandRefused,
    LineError,
    MalformedAnswer,
    ModuleSilent,
    RequestRefused,
)
from sim7020_bridge.modem.data_cost import pinged, resolved, time_asked
from sim7020_bridge.modem.detachments import Detachments
from sim7020_bridge.modem.release import Release
from sim7020_bridge.modem.state import Fact
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.timing import Timing

log: Final = logging.getLogger(__name__)

R = TypeVar("R")
F = TypeVar("F", bound=Fact)

SOONEST_ANSWER: Final = 0.1
"""Seconds within which nothing answers over NB-IoT: what is refused sooner, the module refused by itself."""

NO_MORE_TO_COME: Final = 1
ONE_ANSWER_TO_COME: Final = 2
"""+CNBIOTRAI: the network may release the connection right after the next uplink (low power note section 6.2.5)."""
NOTHING_SAID: Final = 0
"""+CNBIOTRAI: of what follows the next uplink nothing is known."""

PING_SIZE: Final = 32
"""Bytes of a ping; the module's own default (manual V1.05, +CIPPING)."""
PING_TIMEOUT: Final = 100
"""Tenths of a second that one reply may take; the module's own default."""


@dataclass(slots=True)
class KeptApn:
    """The APN that was set last, and how the module reads it back; it outlives the session.

    ``problem`` says why the module has another one all the same, and ``again`` when that is worth another try, by
    the event loop's time.
    """

    set: SetDefaultApn | None = None
    read: DefaultApn | None = None
    problem: str | None = None
    again: float = 0.0


class Module:
    """One session's view of the module; it is of no use after the port was closed."""

    def __init__(
        self,
        channel: Channel,
        store: StateStore,
        settings: ModemSettings,
        timing: Timing,
        apn: KeptApn | None = None,
    ) -> None:
        self.channel = channel
        self.store = store
        self.settings = settings
        self.timing = timing
        self.apn = apn or KeptApn()
        self.detachments = Detachments()
        """How often its network detached it; what outlives the session takes its place."""
        self.reports_acknowledgements = True
        """Whether the module said that it reports what TCP peers acknowledge."""
        self.radio = asyncio.Lock()
        """Held by whoever switches the radio off to switch it on again."""
        self.chose_operator = False
        """Whether it was told in this session to choose its operator by itself."""
        self.attaches_refused = 0
        """How often the command to attach was refused in this session."""
        self.reports_registration = False
        """Whether it said in this session that it reports its registration."""
        self.carried = False
        """Whether its context was of use since: a datagram went, or a peer sent or acknowledged something."""
        self.on_attach: Callable[[], None] = lambda: None
        """Called when the module was made to attach."""
        self.over_ceiling: Callable[[], str | None] = lambda: None
        """Says in words why the module must not be made to attach now; None if it may be."""
        self.must_wait: Callable[[], bool] = lambda: False
        """Whether no attach attempt is free now, or what is left of them is for later."""
        self.may_command: Callable[[], bool] = lambda: True
        """Says whether it may be given the command to attach now, which may count as an attempt."""
        self.on_restart: Callable[[str], None] = lambda _: None
        """Called with what shows that it has restarted, where an answer does."""
        self.on_transmit: Callable[[str], None] = lambda _: None
        """Called before it is made to transmit, with what kind of thing."""
        self.release = Release(store.apply)
        """How soon the network lets go of the radio; what outlives the session takes its place."""
        self._transmitting = asyncio.Lock()
        self._transmissions = 0
        self._resolving = asyncio.Lock()
        self._pinging = asyncio.Lock()
        self._replies: asyncio.Queue[PingReply] = asyncio.Queue()

    async def execute(self, command: Command[R], *, pipeline: Pipeline | None = None) -> R:
        """Send one command in its turn; raises what Channel.execute raises."""
        return await self.channel.execute(command, pipeline=pipeline)

    async def transmit(
        self,
        command: Command[R],
        kind: str,
        *,
        pipeline: Pipeline | None = None,
        last: bool = False,
        answered: bool = False,
    ) -> R:
        """Send a command, as ``execute`` does, that makes the module transmit, which takes the most of its supply.

        With release assistance the network is told of one that is the ``last`` that nothing follows, or nothing but one
        answer if it is to be ``answered``, unless something else is about to be transmitted: it is told with the next
        transmission, whosever that is. So it is taken back if the command is refused or held back.
        """
        self.on_transmit(kind)
        saving = self.settings.power_saving
        if saving is None or not saving.release_assistance:
            return await self.execute(command, pipeline=pipeline)
        self._transmissions += 1
        try:
            async with self._transmitting:
                last = last and self._transmissions == 1
                if last:
                    expected = ONE_ANSWER_TO_COME if answered else NO_MORE_TO_COME
                    last = await self.try_setting(SetReleaseAssistance(expected))
                try:
                    answer = await self.execute(command, pipeline=pipeline)
                except (CommandRefused, CommandHeldBack):
                    if last:
                        with suppress(LineError):  # the command has not gone all the same
                            await self.try_setting(SetReleaseAssistance(NOTHING_SAID))
                    raise
                self.release.sent(last=last)
                return answer
        finally:
            self._transmissions -= 1

    async def ask(self, question: Command[R]) -> R | None:
        """Ask what the module may not tell; None if it does not."""
        try:
            return await self.execute(question)
        except CommandRefused as refused:
            log.debug("not told: %s", refused)
        except MalformedAnswer as error:
            log.warning("%s: %s", mask(question.line()), error)
        except ModuleSilent as error:
            log.warning("%s", error)
        return None

    async def read(self, question: Command[F | None]) -> None:
        """Ask for something that belongs to the state; what is not told stays as it is known."""
        fact = await self.ask(question)
        if fact is not None:
            self.store.apply(fact)

    async def try_setting(self, setting: Command[None]) -> bool:
        """Set what is good to have; a firmware that refuses it is still of use. Say whether it took it."""
        try:
            await self.execute(setting)
        except (CommandRefused, ModuleSilent) as error:
            log.info("the module works without this setting, and did not take it: %s", error)
            return False
        return True

    async def has(self, setting: Command[None]) -> bool:
        """Whether a setting of one number is as it should be; no where the module does not tell."""
        name, _, wanted = setting.line().removeprefix("AT").partition("=")
        with suppress(CommandRefused, MalformedAnswer, ModuleSilent):
            return await self.execute(ReadNumber(name)) == int(wanted)
        return False

    async def try_kept(self, setting: Command[None]) -> bool:
        """Set a number that the module writes to its flash, only where it has another. Say whether it has it now."""
        return await self.has(setting) or await self.try_setting(setting)

    async def resolve(self, name: str) -> NameResolution:
        """Resolve a name with the module's DNS client, which costs a little data.

        Firmware differs: the answer comes before the OK or, as a URC, after it (manual V1.05, +CDNSGIP).

        Raises:
            RequestRefused: ``resolve_timeout`` if no answer came.
            CommandRefused: The module would not ask, as for a numeric address.
        """

        def ours(resolution: NameResolution) -> bool:
            return resolution.name is None or resolution.name.casefold() == name.casefold()

        addresses, asked = 0, True
        async with self._resolving:
            began = asyncio.get_running_loop().time()
            report = self.channel.expect(NameResolution, ours)
            try:
                answer = await self.transmit(ResolveName(name), "dns")
                if answer is None:
                    async with asyncio.timeout(self.timing.resolve_within):
                        answer = await report
                addresses = len(answer.addresses)
            except CommandRefused:
                # the cause came first, as a URC
                if not report.done():
                    asked = asyncio.get_running_loop().time() - began >= SOONEST_ANSWER
                    raise
                return report.result()
            except TimeoutError:
                within = f"{self.timing.resolve_within:g}"
                raise RequestRefused("resolve_timeout", f"no DNS answer for {name} within {within} s") from None
            else:
                return answer
            finally:
                if asked:
                    self.store.on_cost(resolved(name, addresses))
                report.cancel()

    async def ping(self, host: str, count: int) -> list[PingReply]:
        """Ping a host ``count`` times (1 to 100) and return what came back, lost replies included.

        A reply that the module never reported is not in the list. Costs data: 60 bytes a ping and as much a reply.

        Raises:
            CommandRefused: The module would not, as without a PDN context, or with BUSY.
        """
        async with self._pinging:
            self._replies = asyncio.Queue()
            await self.transmit(Ping(host, count, PING_SIZE, PING_TIMEOUT), "ping")
            replies: list[PingReply] = []
            for _ in range(count):
                try:
                    async with asyncio.timeout(PING_TIMEOUT / 10 + self.timing.ping_grace):
                        replies.append(await self._replies.get())
                except TimeoutError:
                    break
            self.store.on_cost(pinged(PING_SIZE, asked=count, answered=sum(not reply.lost for reply in replies)))
            return replies

    async def ask_time(self, server: str) -> None:
        """Once it may, let the module set its clock by SNTP, and learn the time; what goes wrong is only logged."""
        await self.store.until(lambda state: state.online and self.store.affordable(None))
        report = self.channel.expect(SntpReport)
        try:
            await self.transmit(StartSntp(server), "sntp")
            self.store.on_cost(time_asked())
            async with asyncio.timeout(self.timing.time_within):
                self.store.apply((await report).time)
        except TimeoutError:
            log.warning("the time server %s did not answer", server)
        except (CommandRefused, ModuleSilent) as error:
            log.warning("the time server %s can't be asked: %s", server, error)
        finally:
            report.cancel()
        await self.try_setting(StopSntp())

    def take_ping_reply(self, reply: PingReply) -> None:
        """Hand a +CIPPING report to the ping that waits for it."""
        self._replies.put_nowait(reply)
