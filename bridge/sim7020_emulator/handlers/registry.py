"""All commands of the module by name."""

from types import MappingProxyType

from sim7020_emulator.command import Command
from sim7020_emulator.handlers import basic, identity, packet, radio, sim, sockets

_FAMILIES = (basic, identity, sim, radio, packet, sockets)

COMMANDS = MappingProxyType({command.name: command for family in _FAMILIES for command in family.COMMANDS})
