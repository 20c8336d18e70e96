"""One module as the interpreter of its AT port sees it."""

from sim7020_emulator.at.answer import Answer, Collect
from sim7020_emulator.at.results import Cme, MobileEquipmentError, PlainError, Refused
from sim7020_emulator.at.syntax import Invocation
from sim7020_emulator.handlers.command import Call
from sim7020_emulator.handlers.registry import COMMANDS
from sim7020_emulator.module.module import Module
from sim7020_emulator.module.power import Power


class Equipment:
    """Carries commands out on a module; meets the interpreter's ``MobileEquipment``."""

    def __init__(self, module: Module) -> None:
        self._module = module

    @property
    def on(self) -> bool:
        """Say whether the module runs."""
        return self._module.power is Power.ON

    @property
    def spaced(self) -> bool:
        """Say whether a blank follows the colon of an answer."""
        return self._module.variants.is_set("spacing", "space")

    @property
    def echo_end(self) -> bytes:
        """Return what follows the echo of a command line."""
        return b"\r\n" if self._module.variants.is_set("echo_quirk", "yes") else b""

    @property
    def typed_ahead(self) -> bool:
        """Say whether what is typed while a command is carried out is kept."""
        return self._module.variants.is_set("typed_ahead", "kept")

    @property
    def passing(self) -> bool:
        """Say whether what is typed is data of a transparent link."""
        return self._module.compatible.transparent.passing

    def pass_through(self, data: bytes) -> None:
        """Take data for the transparent link."""
        self._module.compatible.transparent.type(data)

    def escape(self) -> None:
        """Take what is typed for commands again."""
        self._module.compatible.transparent.pause()

    def hears(self) -> bool:
        """Say whether the character that arrives now is heard; in light sleep it wakes the module instead."""
        return self.on and self._module.light_sleep.hears()

    def setting(self, name: str) -> int:
        """Return a numeric setting."""
        return self._module.profile.number(name)

    def received(self) -> None:
        """Note that a command line has come."""
        self._module.psm.command()

    def answered(self) -> None:
        """Note that a command line is answered."""
        self._module.light_sleep.note()

    async def carry_out(self, invocation: Invocation, collect: Collect) -> Answer:
        """Carry out one command; raises ``Refused``."""
        command = COMMANDS.get(invocation.name)
        if command is None or (handler := command.form(invocation.form)) is None:
            raise PlainError
        if isinstance(handler, str):
            return Answer((handler,) if handler else ())
        try:
            answer = handler(Call(self._module, invocation.arguments, collect))
            return answer if isinstance(answer, Answer) else await answer
        except (PlainError, MobileEquipmentError):
            raise
        except Refused:
            raise (MobileEquipmentError(Cme.INCORRECT_PARAMETERS) if command.cme else PlainError()) from None
