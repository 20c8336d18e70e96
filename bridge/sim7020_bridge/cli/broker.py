"""What the subcommands over MQTT share: which broker, and a connection that only looks on."""

import asyncio
import functools
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

import click

from sim7020_bridge.cli.exits import EXIT_NO_ANSWER, fail
from sim7020_bridge.cli.options import configuration, valid
from sim7020_bridge.config import environment as variables
from sim7020_bridge.config import values
from sim7020_bridge.config.load import load
from sim7020_bridge.config.model import (
    DEFAULT_BASE_TOPIC,
    DEFAULT_PORT,
    DEFAULT_TLS_PORT,
    MqttSettings,
    TlsSettings,
)
from sim7020_bridge.mqtt.client import MqttClient
from sim7020_bridge.mqtt.messages import Received
from sim7020_bridge.mqtt.onlooker import onlooker

Command = TypeVar("Command", bound=Callable[..., None])

_PATH: Final = click.Path(path_type=Path)
_OPTIONS: Final = (
    click.option("--broker", metavar="HOST[:PORT]", help="The broker; default: localhost, or the file's."),
    click.option("--username", metavar="NAME", help="The user to log in as."),
    click.option("--password-file", type=_PATH, metavar="FILE", help="Holds its password alone."),
    click.option("--ca-file", type=_PATH, metavar="FILE", help="Use TLS, and trust these certificates."),
    click.option("--base-topic", metavar="TOPIC", help=f"What topics start with; default: {DEFAULT_BASE_TOPIC}."),
)


def with_broker(command: Command, *, bare: bool = False, keep_file: bool = False) -> Command:
    """Give a subcommand the options that name a broker; it is called with ``mqtt``, what they come to.

    With ``bare``, the configuration may be a bare argument; with ``keep_file``, the subcommand is given ``file``, too.
    """

    @functools.wraps(command)
    def called(
        *,
        file: Path | None,
        broker: str | None,
        username: str | None,
        password_file: Path | None,
        ca_file: Path | None,
        base_topic: str | None,
        **rest: object,
    ) -> None:
        mqtt = MqttSettings("localhost") if file is None else load(file).mqtt
        if broker is not None:
            host, port = valid("--broker", values.host_and_port, broker)
            tls = mqtt.tls is not None or ca_file is not None
            mqtt = replace(mqtt, host=host, port=port or (DEFAULT_TLS_PORT if tls else DEFAULT_PORT), other_nodes=())
        if ca_file is not None:
            valid("--ca-file", values.readable_file(Path()), str(ca_file))
            mqtt = replace(mqtt, tls=TlsSettings(ca_file))
        if username is not None:
            mqtt = replace(mqtt, username=valid("--username", values.credential, username), password=None)
        if password_file is not None:
            password = valid("--password-file", values.secret_file(Path()), str(password_file))
            mqtt = replace(mqtt, password=password)
        if base_topic is not None:
            mqtt = replace(mqtt, base_topic=valid("--base-topic", values.base_topic, base_topic))
        command(mqtt=mqtt, **rest, **({"file": file} if keep_file else {}))

    for option in reversed(_OPTIONS):
        called = option(called)
    of_file = configuration("Whose broker to use.", bare=bare, required=False)
    return of_file(called)  # type: ignore[return-value]  # click's decorators keep what they decorate


def with_broker_of_file(command: Command) -> Command:
    """Do the same for a subcommand without arguments of its own: its argument is the configuration."""
    return with_broker(command, bare=True)


@asynccontextmanager
async def connected(
    mqtt: MqttSettings,
    topics: Sequence[str],
    take: Callable[[Received], None],
    *,
    within: float,
    client_id: str | None = None,
) -> AsyncIterator[MqttClient]:
    """Listen to topics; within so many seconds the broker must have accepted, else the process exits with a message.

    What ``take`` raises ends the block, and is raised from it.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Words())
    once = _Once()
    handler.addFilter(once)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])

    client = onlooker(mqtt, topics, take, client_id, within=within)
    not_yet = client.problem
    talking = asyncio.create_task(client.run(), name="mqtt")
    try:
        async with asyncio.timeout(within):
            await client.wait_connected()
        once.said.clear()
    except TimeoutError:
        talking.cancel()
        await asyncio.wait({talking})
        if client.problem == not_yet:
            fail(_in_options(str(not_yet)), EXIT_NO_ANSWER)
        sys.exit(EXIT_NO_ANSWER)  # it was told
    user = asyncio.current_task()

    def end_with(task: "asyncio.Task[None]") -> None:
        if user is not None and not task.cancelled():
            user.cancel()

    talking.add_done_callback(end_with)
    try:
        yield client
    finally:
        talking.cancel()
        with suppress(asyncio.CancelledError):
            await talking


class _Once(logging.Filter):
    """Lets each message pass once: of several nodes that are gone, each is tried again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it was not said so far."""
        message = record.getMessage()
        new = message not in self.said
        self.said.add(message)
        return new


class _Words(logging.Formatter):
    """What is wrong with the connection, in terms of options."""

    def format(self, record: logging.LogRecord) -> str:
        return _in_options(record.getMessage())


def _in_options(problem: str) -> str:
    """Return advice about keys in terms of options, where there is no file that could have the keys."""
    context = click.get_current_context(silent=True)
    given = {} if context is None else context.params
    if given.get("config") or given.get("named") or os.environ.get(variables.FILE):
        return problem
    for key, option in _OF_KEYS.items():
        problem = problem.replace(key, option)
    return problem


_OF_KEYS: Final = {
    "mqtt.host and mqtt.port": "--broker",
    "mqtt.host, mqtt.port": "--broker",
    "mqtt.username and mqtt.password": "--username and --password-file",
    "the files of mqtt.tls": "--ca-file",
    "mqtt.tls.cert_file and mqtt.tls.key_file": "cert_file and key_file, in a file for --config",
    "mqtt.tls.ca_file": "--ca-file",
    "mqtt.tls": "--ca-file",
    "mqtt.host": "--broker",
    "mqtt.port": "the port in --broker",
    "mqtt.base_topic": "--base-topic",
    "mqtt.protocol": "mqtt.protocol, in a file for --config,",
}
"""What stands for a key on the command line, longer ones first."""
