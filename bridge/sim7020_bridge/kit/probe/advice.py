"""What keeps a probe from going on, or is worth a warning, and what to do about it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from sim7020_bridge.config.model import DEFAULT_BAUDRATE
from sim7020_bridge.modem.alerts import OTHER_SERVER


class Problem(StrEnum):
    """What was found, for machines; where an alert says it better, its id stands in a problem's place."""

    NO_DEVICE = "no_device"
    NO_PORTS = "no_ports"
    LINE_BROKE = "line_broke"
    OTHER_RATE = "other_rate"
    RATE_TO_SET = "rate_to_set"
    SENSELESS = "senseless"
    NO_MODEM = "no_modem"
    OTHER_SERVER = "other_server"
    ECHO = "echo"
    SIM_NOT_READY = "sim_not_ready"
    LAST_PIN_TRY = "last_pin_try"
    RADIO_OFF = "radio_off"
    WEAK_SIGNAL = "weak_signal"
    NOT_REGISTERED = "not_registered"
    WITHHELD = "withheld"
    BACK_OFF = "back_off"
    NO_CONTEXT = "no_context"
    OTHER_APN = "other_apn"
    NO_NAMES = "no_names"
    NO_REPLY = "no_reply"


ADVICE: Final[Mapping[Problem, str]] = {
    Problem.NO_DEVICE: "Plug the modem in, or use one of these ports: {ports}",
    Problem.NO_PORTS: "Plug it in: there is no serial port.",
    Problem.LINE_BROKE: "Check cable, plug and supply; then try again.",
    Problem.OTHER_RATE: "Set baudrate: {baudrate} in the configuration, or AT+IPR={wanted} in the module.",
    Problem.RATE_TO_SET: (
        f"Set baudrate: {{baudrate}} in the configuration: the bridge tries one rate only, {DEFAULT_BAUDRATE}."
    ),
    Problem.SENSELESS: "Try again; if it stays so, restart the module and send a recording (sim7020-bridge record).",
    Problem.NO_MODEM: "Check that the port is the modem's: sim7020-bridge ports lists them all, with who made them.",
    Problem.OTHER_SERVER: OTHER_SERVER,
    Problem.ECHO: (
        "Check that TX and RX are not joined and go to the module; if it did answer before, switch it off and on again."
    ),
    Problem.SIM_NOT_READY: ("Wait a moment and try again; else take the SIM out and put it in, and try it in a phone."),
    Problem.LAST_PIN_TRY: (
        "Put the SIM in a phone and enter the right PIN there once: it has all its tries again then. Then probe again."
    ),
    Problem.RADIO_OFF: "The bridge switches it on automatically; by hand: AT+CFUN=1 in sim7020-bridge console.",
    Problem.WEAK_SIGNAL: (
        "Check the antenna and its plug, try another place, and ask the operator for NB-IoT coverage here."
    ),
    Problem.NOT_REGISTERED: (
        "The first search can take minutes: allow 600 seconds. Else check that the SIM is active for NB-IoT, and the "
        "band."
    ),
    Problem.WITHHELD: "The bridge sends it automatically; by hand: AT+CGATT=1 in sim7020-bridge console.",
    Problem.BACK_OFF: "Wait until that is over, and probe again: until then the module does not try.",
    Problem.NO_CONTEXT: "Check the APN, its user name and its password with the operator.",
    Problem.OTHER_APN: "Set apn: {wanted} in the configuration: the bridge sets it in the module.",
    Problem.NO_NAMES: (
        "A private APN may have no DNS: then use addresses, and have the probe ping one, or leave the internet out."
    ),
    Problem.NO_REPLY: (
        "Many operators drop pings: if DNS works, data does. Else ask the operator, or have another host pinged."
    ),
}
"""What to do, with places for a finding's details."""
