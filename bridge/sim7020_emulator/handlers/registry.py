"""All commands of the module by name."""

from types import MappingProxyType

from sim7020_emulator.handlers import (
    basic,
    clock,
    compatible,
    http,
    identity,
    network,
    packet,
    power,
    radio,
    sim,
    sockets,
)

_FAMILIES = (basic, identity, sim, radio, packet, power, clock, network, sockets, compatible, http)

COMMANDS = MappingProxyType({command.name: command for family in _FAMILIES for command in family.COMMANDS})
