"""A state directory on a file system of its own: one that is full, and one that can't be written."""

import contextlib
import json
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.mqtt_peer import Mqtt5
from tests.e2e.programs import BridgeProcess
from tests.e2e.world import Modem, World, run, udp

NAMESPACES = (("unshare", "--mount"), ("unshare", "--map-root-user", "--mount"))
MOUNT = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'
LIMIT = """
import os, resource, sys
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), most))
os.execv(sys.argv[2], sys.argv[2:])
"""
SIZE = 288 * 1024
NOT_MOUNTED = (
    "no file system can be mounted here, not in a user namespace either: run the tests as root, or allow users to. "
    "Ubuntu: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; Docker: --cap-add SYS_ADMIN "
    "--security-opt apparmor=unconfined. What is refused: unshare --map-root-user --mount mount -t tmpfs none /mnt"
)

IN_A_CHROOT = ("unshare", "--mount", "--propagation", "unchanged")
"""Where the root is no mount point, nothing can be made private; what is private already stays so."""


def is_private(directory: Path) -> bool:
    """Say whether a mount below a directory is seen by those alone who share its namespace (proc(5), mountinfo)."""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    over = [mount for mount in mounts if directory.is_relative_to(mount[4])]
    return not any(field.startswith("shared:") for field in max(over, key=lambda mount: len(mount[4]))[6:])


async def mounting(directory: Path, options: str) -> Sequence[str]:
    """Return a command that runs another with a file system mounted where only that can see it; empty if it can't."""
    for namespace in (*NAMESPACES, *([IN_A_CHROOT] if is_private(directory) else [])):
        command = (*namespace, "sh", "-c", MOUNT, "sh", options, str(directory))
        with contextlib.suppress(FileNotFoundError):
            status, _, _ = await run(*command, "true")
            if status == 0:
                return command
    return ()


def fill(process: int, filler: Path | None) -> None:
    """Take most of the room with a file, or allow the process small files only."""
    _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
    if filler is None:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (SIZE // 2, most))
    else:
        filler.write_bytes(bytes(SIZE // 4))


def empty(process: int, filler: Path | None) -> None:
    """Give the room back."""
    if filler is None:
        lift_limit(process)
    else:
        filler.unlink()


def lift_limit(process: int) -> None:
    """Allow the process files of any size again."""
    _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (most, most))


async def start(world: World, *inside: str) -> Modem:
    """Start a bridge whose state directory is `state`, and return its modem, online."""
    server = await world.udp()
    emulator = await world.emulator()
    bridge = BridgeProcess(world.directory / "small.yaml", inside=inside)
    bridge.config.write_text(
        json.dumps(
            {
                "mqtt": {"host": world.broker.host, "port": world.broker.port},
                "modems": {"shed": {"port": emulator.place, "sockets": {"telemetry": udp(server.port)}}},
                "state_dir": str(world.directory / "state"),
            }
        )
    )
    await world.add(bridge, "shed")
    shed = world.modem("shed")
    await shed.online()
    await shed.open("telemetry")
    return shed


async def test_a_small_file_system_that_is_full(world: World) -> None:
    """What does not fit is rejected with an alert; with room again all that was taken goes out, each told once."""
    state = world.directory / "state"
    state.mkdir()
    inside = await mounting(state, f"size={SIZE}")
    shed = await start(world, *inside)
    await shed.request("deactivate")
    await shed.socket("telemetry", lambda now: now["phase"] in {"closed", "backoff"})
    process = world.bridges[0].process
    assert process is not None
    filler = Path(f"/proc/{process.pid}/root{state}/filler") if inside else None
    fill(process.pid, filler)
    taken = await until_refused(shed, "message")
    assert taken
    await world.mqtt.now(shed.topic("alert/outbox_storage"), lambda heard: bool(heard.payload))
    empty(process.pid, filler)
    await world.mqtt.now(shed.topic("alert/outbox_storage"), lambda heard: not heard.payload)
    await shed.request("activate")
    for name in taken:
        await shed.receipt("telemetry", name, "accepted")
        assert shed.receipts("telemetry", name).count("accepted") == 1


async def test_a_small_file_system_that_the_outbox_fills(world: World) -> None:
    """What fills it is the outbox alone: all that was taken still goes out, and then it takes messages again."""
    state = world.directory / "state"
    state.mkdir()
    inside = await mounting(state, f"size={SIZE + 65536}")
    # without a file system of its own no file can be in the way of another
    assert inside, NOT_MOUNTED
    shed = await start(world, *inside)
    for turn in ("first", "second"):
        await shed.request("deactivate")
        await shed.socket("telemetry", lambda now: now["phase"] in {"closed", "backoff"})
        taken = await until_refused(shed, turn)
        assert len(taken) > 50
        await world.mqtt.now(shed.topic("alert/outbox_storage"), lambda heard: bool(heard.payload))
        await shed.request("activate")
        for name in taken:
            await shed.receipt("telemetry", name, "accepted")
            assert shed.receipts("telemetry", name).count("accepted") == 1
        await world.mqtt.now(shed.topic("alert/outbox_storage"), lambda heard: not heard.payload)


async def until_refused(shed: Modem, turn: str) -> list[str]:
    """Send messages until the disk takes no more of them; return those that it took."""
    taken: list[str] = []
    refused = 0
    while not refused:
        names = [f"{turn} {len(taken) + number}" for number in range(50)]
        for name in names:
            await shed.send("telemetry", name.encode().ljust(500), name)
        topic = shed.topic("socket/telemetry/receipt")
        for name in names:
            heard = await shed.mqtt.message(topic, lambda heard, name=name: heard.json()["id"] == name)  # type: ignore[misc]
            if heard.json()["state"] == "rejected":
                assert heard.json()["error"]["code"] == "storage_failed"
                refused += 1
            else:
                taken.append(name)
    return taken


async def test_a_file_system_that_can_t_be_written(world: World) -> None:
    """The bridge runs without storage, leaves messages with the broker, refuses what that does not keep, and ends."""
    state = world.directory / "state"
    state.mkdir()
    inside = await mounting(state, f"ro,size={SIZE}") or (sys.executable, "-c", LIMIT, "2048")
    shed = await start(world, *inside)
    alert = await world.mqtt.now(shed.topic("alert/outbox_storage"), lambda heard: bool(heard.payload))
    assert "state_dir" in alert.json()["advice"]
    await shed.send("telemetry", b"x", "kept")
    fleeting = Mqtt5(user=(("id", "fleeting"),))
    await world.mqtt.publish(shed.topic("socket/telemetry/send"), b"x", qos=0, properties=fleeting)
    assert (await shed.receipt("telemetry", "fleeting", "rejected"))["error"]["code"] == "storage_failed"
    assert [heard.json()["id"] for heard in world.mqtt.all(shed.topic("socket/telemetry/receipt"))] == ["fleeting"]
    process = world.bridges[0].process
    assert process is not None
    await world.bridges[0].stop()
