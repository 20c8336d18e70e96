"""The demo from beginning to end."""

import asyncio
import io
import os
import signal
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from sim7020_bridge import logs
from sim7020_bridge.demo.broker import HOST, BrokerProgram, find_broker
from sim7020_bridge.demo.child import DemoFailed
from sim7020_bridge.demo.round_trip import FINAL, RoundTrip, publish_telemetry, round_trip
from sim7020_bridge.demo.stage import BASE, CONTROL, MODEM, TELEMETRY, Stage, set_up
from sim7020_bridge.demo.view import View
from sim7020_bridge.demo.visit import Seen, visit
from sim7020_bridge.kit.watch.heard import LAYERS, Modems
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.mqtt.client import MqttClient
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.topics import Subscription

DEADLINE: Final = 60.0
"""Longest that ``--once`` may take, in seconds."""

DEADLINE_IN_THE_FIELD: Final = 300.0
"""The same with a profile, where attaching alone may take minutes; a datagram that is lost is waited for in vain."""

SPEED: Final = 2.0
"""How much faster than a real module the emulated one is, while people watch."""

SPEED_ONCE: Final = 5.0
"""The same when nobody does."""

_STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_demo(*, once: bool, profile: str | None = None) -> int:
    """Run the demo until Ctrl-C, or until one message over UDP and one over TCP came back and the page was there.

    Args:
        once: Whether to end after that.
        profile: What the network is like, one of PROFILES; None for one that takes the same short time each time.

    Returns:
        The exit status: 0, or 1 if something failed.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    view = View()
    logs.keep_quiet()
    try:
        return asyncio.run(_stoppable(view, once=once, profile=profile))
    except BrokenPipeError:
        # Nobody reads any more; the interpreter must not find out again when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


async def play(
    view: View,
    *,
    once: bool,
    profile: str | None = None,
    broker: BrokerProgram | None = None,
    deadline: float = DEADLINE,
) -> None:
    """Start everything, show it, and end everything. Raises DemoFailed if something does not work or takes too long.

    Args:
        view: Where to show it.
        once: Whether to end after a round trip over each socket and a visit to the page; else only cancelling ends it.
        profile: As for ``run_demo``.
        broker: The broker to start; None finds one.
        deadline: Longest time in seconds that ``once`` may take.
    """
    seconds = asyncio.get_running_loop().time
    modems = Modems(
        BASE, MODEM, seconds=seconds, tell=lambda _, subject, words: view.event(modems.elapsed, subject, words)
    )
    trips = [RoundTrip(TELEMETRY, b"The greenhouse has 21.5 degrees"), RoundTrip(CONTROL, b"The window is open")]
    seen: list[Seen] = []
    program = broker or find_broker()
    with tempfile.TemporaryDirectory(prefix="sim7020-demo-") as directory:
        speed = SPEED_ONCE if once else SPEED
        async with set_up(Path(directory), program, speed=speed, profile=profile, on_change=modems.touch) as stage:
            for child in stage.children:
                view.event(modems.elapsed, "started", f"{child.name} (process {child.pid})")
            client = _client(stage, modems)
            with view.shown(stage, modems):
                try:
                    async with asyncio.timeout(max(0.0, deadline - modems.elapsed) if once else None):
                        await _first_of(
                            client.run(),
                            *(child.watch() for child in stage.children),
                            view.animate(stage, modems),
                            _scene(stage, modems, client, trips, seen, once=once),
                        )
                except TimeoutError:
                    reason = f"not done within {deadline:g} s: waiting for {_waits_for(modems, trips)}"
                    raise DemoFailed(reason, stage.bridge.last_lines()) from None
    if once:
        _summarize(view, program, modems, trips, *seen)


async def _stoppable(view: View, *, once: bool, profile: str | None) -> int:
    deadline = DEADLINE if profile is None else DEADLINE_IN_THE_FIELD
    playing = asyncio.create_task(play(view, once=once, profile=profile, deadline=deadline))

    def stop() -> None:
        # once more must not disturb what ends in order
        if not playing.cancelling():
            playing.cancel()

    for number in _STOPS:
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await playing
    except DemoFailed as failed:
        for line in failed.lines:
            view.say(f"  | {logs.printable(line)}")
        view.say(f"The demo failed: {failed.reason}.")
        return 1
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        view.say(f"The demo failed: {error}.")
        return 1
    except asyncio.CancelledError:
        if once:
            view.say("The demo was interrupted.")
            return 1
        view.say("The demo has ended; nothing of it is left running.")
    return 0


def _client(stage: Stage, modems: Modems) -> MqttClient:
    topics = modems.topics

    def take(received: Received) -> None:
        nonlocal topics
        modems.hear(received)
        client.acknowledge(received)
        if modems.topics != topics:
            # what the sockets are mapped to is known once the modem's info came
            topics = modems.topics
            client.subscribe([Subscription(topic) for topic in sorted(topics)])

    client = MqttClient(
        stage.mqtt,
        client_id="sim7020-demo",
        will=Publication(topic="sim7020-demo/availability", payload=b"offline"),
        subscriptions=[Subscription(topic) for topic in sorted(topics)],
        on_connect=modems.touch,
        on_message=take,
    )
    return client


async def _scene(
    stage: Stage, modems: Modems, client: MqttClient, trips: list[RoundTrip], seen: list[Seen], *, once: bool
) -> None:
    await modems.until(lambda: modems.modem(MODEM).is_open)
    if not once:
        await publish_telemetry(client, TELEMETRY, CONTROL)
    for trip in trips:
        await round_trip(trip, client, modems, stage.servers[trip.socket.name])
    seen.append(await visit(HOST, stage.page, f"{BASE}/{MODEM}/state"))


async def _first_of(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run until one of the jobs ends, cancel the others, and raise what it raised."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def _waits_for(modems: Modems, trips: list[RoundTrip]) -> str:
    modem = modems.modem(MODEM)
    if modem.is_open:
        return next((trip.waits_for for trip in trips if trip.waits_for), "the page and its feed")
    if not modem.available:
        return "the bridge to connect to the broker"
    if modem.layer is not Layer.ONLINE:
        return f"the modem to attach ({modem.layer}: {modem.reason})"
    return "the sockets to open"


def _summarize(view: View, program: BrokerProgram, modems: Modems, trips: list[RoundTrip], seen: Seen) -> None:
    view.say()
    reached = modems.modem(MODEM).reached
    attached = ", ".join(f"{layer} {reached[layer]:.1f}" for layer in LAYERS if layer in reached)
    view.say(f"Attached, through {program.name}, after seconds: {attached}.")
    for trip in trips:
        transport, peer = trip.socket.transport.upper(), trip.socket
        view.say(
            f"{transport} to {peer.host}:{peer.port}: {len(trip.payload)} bytes published on {peer.send_topics[0]}; "
            f"at the server after {_seconds(trip.arrived)}, {FINAL[peer.transport]} after {_seconds(trip.settled)}, "
            f"back on {peer.received_topic} after {_seconds(trip.returned)}."
        )
    view.say(f"The page has {seen.size} bytes, and its feed brought {seen.topic}.")
    view.say(f"All went well, in {modems.elapsed:.1f} s.")


def _seconds(seconds: float | None) -> str:
    return "?" if seconds is None else f"{seconds:.2f} s"
