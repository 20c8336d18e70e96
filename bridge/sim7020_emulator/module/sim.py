"""The SIM: PIN and PUK.

Source: 3GPP TS 27.007 section 8.3, manual V1.05's +CPIN, +CPINR, +CLCK and +CPWD.
"""

from sim7020_emulator.at.results import Cme, MobileEquipmentError
from sim7020_emulator.module.facts import Facts

_PIN_TRIES = 3
_PUK_TRIES = 10

_READY, _LOCKED, _BLOCKED, _ABSENT, _FAILED = "ready", "pin", "puk", "absent", "failed"


class Sim:
    """The card in its holder; its secrets outlive resets, whether it was unlocked does not."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.verified = False
        self.powered = False

    @property
    def inserted(self) -> bool:
        """Say whether there is a card."""
        return self._facts.sim != _ABSENT

    @property
    def failed(self) -> bool:
        """Say whether the card is there, but does not answer."""
        return self._facts.sim == _FAILED

    @property
    def locked(self) -> bool:
        """Say whether the card asks for its PIN when powered."""
        return self._facts.sim == _LOCKED

    @property
    def pin_tries(self) -> int:
        """Tries left for the PIN."""
        return 0 if self._facts.sim == _BLOCKED else self._facts.pin_tries

    @property
    def puk_tries(self) -> int:
        """Tries left for the PUK."""
        return self._facts.puk_tries

    @property
    def ready(self) -> bool:
        """Say whether the card can be used."""
        return self.powered and self.inserted and self.code() == "READY"

    def code(self) -> str:
        """Return what +CPIN prints while the card is powered."""
        if not self.inserted:
            return "NOT INSERTED"
        if self.failed:
            return "NOT READY"
        if self.pin_tries == 0:
            return "SIM PUK"
        if self.locked and not self.verified:
            return "SIM PIN"
        return "READY"

    def require(self) -> None:
        """Raise the +CME ERROR of a card that can't be used at all."""
        if not self.inserted:
            raise MobileEquipmentError(Cme.SIM_NOT_INSERTED)
        if not self.powered:
            raise MobileEquipmentError(Cme.SIM_POWERED_DOWN)
        if self.failed:
            raise MobileEquipmentError(Cme.SIM_FAILURE)

    def require_ready(self) -> None:
        """Raise the +CME ERROR of a card that isn't ready."""
        self.require()
        match self.code():
            case "SIM PIN":
                raise MobileEquipmentError(Cme.SIM_PIN_REQUIRED)
            case "SIM PUK":
                raise MobileEquipmentError(Cme.SIM_PUK_REQUIRED)
            case _:
                return

    def enter(self, pin: str, new_pin: str | None) -> None:
        """+CPIN=: unlock with the PIN, or with the PUK and a new PIN."""
        self.require()
        match self.code():
            case "SIM PIN":
                self.check(pin)
                self.verified = True
            case "SIM PUK":
                if new_pin is None:
                    raise MobileEquipmentError(Cme.SIM_PUK_REQUIRED)
                if self.puk_tries == 0:
                    raise MobileEquipmentError(Cme.SIM_FAILURE)
                if pin != self._facts.puk:
                    self._facts.puk_tries -= 1
                    raise MobileEquipmentError(Cme.INCORRECT_PASSWORD if self.puk_tries else Cme.SIM_FAILURE)
                self._facts.pin = new_pin
                self._facts.pin_tries = _PIN_TRIES
                self._facts.puk_tries = _PUK_TRIES
                self._facts.sim = _LOCKED
                self.verified = True
            case _:
                raise MobileEquipmentError(Cme.NOT_ALLOWED)

    def check(self, pin: str) -> None:
        """Compare a PIN and count the tries."""
        if self.pin_tries == 0:
            raise MobileEquipmentError(Cme.SIM_PUK_REQUIRED)
        if pin != self._facts.pin:
            self._facts.pin_tries -= 1
            raise MobileEquipmentError(Cme.INCORRECT_PASSWORD if self.pin_tries else Cme.SIM_PUK_REQUIRED)
        self._facts.pin_tries = _PIN_TRIES

    def lock(self, pin: str, *, on: bool) -> None:
        """+CLCK: make the card ask for its PIN, or not."""
        self.require_ready()
        self.check(pin)
        self.verified = True
        self._facts.sim = _LOCKED if on else _READY

    def change_pin(self, old: str, new: str) -> None:
        """+CPWD: change the PIN; only while the lock is on, as 3GPP TS 31.101 has it."""
        self.require_ready()
        if not self.locked:
            raise MobileEquipmentError(Cme.NOT_ALLOWED)
        self.check(old)
        self._facts.pin = new
