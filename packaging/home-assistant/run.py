"""The start of the Home Assistant app: its options become a configuration, and the bridge takes this process over.

Runs as root, because the Supervisor lets nobody else read the options, and ends as a user without rights.
"""

# ruff: noqa: INP001 - a script that lies in the image alone

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ACCOUNT: Final = 7020
"""User and group that the bridge runs as: those of its image."""

SERIAL_PORTS: Final = 20
"""The group that owns serial ports where the port's own doesn't say: Debian's dialout."""

MOST_SOCKETS: Final = 5

PAGE: Final = {"SIM7020_HTTP__PAGE": "true", "SIM7020_HTTP__INGRESS__PORT": "8099"}
"""Have the page served to the Supervisor, at the port of ``config.yaml``, whatever the configuration file says."""

WAIT_FOR_SUPERVISOR: Final = 10.0
"""Seconds that the Supervisor has to say where the broker is."""


class NotStarted(Exception):
    """The bridge can't be started; the message says what to do."""


def configuration(options: Mapping[str, Any], broker: Mapping[str, Any]) -> dict[str, Any]:
    """Make the bridge's configuration.

    Args:
        options: The app's options, as the Supervisor has checked them by ``config.yaml``.
        broker: The section ``mqtt``, see ``own_broker`` and ``supervisors_broker``.

    Raises:
        NotStarted: Two options exclude each other, or there are other sockets than a modem can have.
    """
    ports = named_ports(options)
    if len(ports) != 1:
        raise NotStarted("A modem is at a serial port or behind a serial_server: leave one of the two empty.")
    sockets = options.get("sockets") or []
    if len(sockets) > MOST_SOCKETS:
        raise NotStarted(f"A SIM7020 has {MOST_SOCKETS} sockets, and the app's configuration lists {len(sockets)}.")
    names = [socket["name"] for socket in sockets]
    if len(set(names)) != len(names):
        raise NotStarted("Two sockets have the same name: give each one its own in the app's configuration.")
    modem: dict[str, Any] = {"port": ports[0], "baudrate": int(options["baudrate"])}
    modem |= _given(options, "apn", "apn_username", "apn_password", "pin")
    modem["sockets"] = {
        socket["name"]: {key: socket[key] for key in ("protocol", "host", "port")}
        | _given(socket, "encoding", "send_topics", "received_topic")
        for socket in sockets
    }
    return {"mqtt": {**broker, **_given(options, "base_topic")}, "modems": {options["name"]: modem}}


def named_ports(options: Mapping[str, Any]) -> list[str]:
    """Return where the options say that the modem is: nowhere at a first start, which the page then leads through."""
    return [options[key] for key in ("port", "serial_server") if options.get(key)]


def own_broker(options: Mapping[str, Any]) -> dict[str, Any]:
    """Make the section ``mqtt`` of a broker that the options name."""
    broker = {"host": options["mqtt_host"]}
    for option, key in (("mqtt_port", "port"), ("mqtt_username", "username"), ("mqtt_password", "password")):
        if options.get(option):
            broker[key] = options[option]
    return broker


def supervisors_broker(service: Mapping[str, Any]) -> dict[str, Any]:
    """Make the section ``mqtt`` of the broker that the Supervisor knows."""
    broker = {"host": service["host"], "port": int(service["port"]), **_given(service, "username", "password")}
    if service.get("ssl"):
        broker["tls"] = {}
    return broker


def ask_supervisor(address: str, token: str) -> dict[str, Any]:
    """Ask the Supervisor for its MQTT service.

    Raises:
        NotStarted: It has none, or gave no answer that can be read.
    """
    request = urllib.request.Request(  # noqa: S310 - the address is the Supervisor's, over http
        f"{address}/services/mqtt", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=WAIT_FOR_SUPERVISOR) as response:  # noqa: S310 - the same
            service = json.load(response)["data"]
        return supervisors_broker(service)
    except urllib.error.HTTPError as error:
        raise NotStarted(
            "Home Assistant knows no MQTT broker: install the app 'Mosquitto broker', "
            f"or name a broker of your own in mqtt_host. (The Supervisor says {error.code}.)"
        ) from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NotStarted(f"The Supervisor did not say where the MQTT broker is: {error}") from error


def broker_of(options: Mapping[str, Any], supervisor: str) -> dict[str, Any]:
    """Make the section ``mqtt``.

    Raises:
        NotStarted: The options name no broker, and the Supervisor knows none.
    """
    if options.get("mqtt_host"):
        return own_broker(options)
    return ask_supervisor(supervisor, os.environ.get("SUPERVISOR_TOKEN", ""))


def broker_for_the_page(
    options: Mapping[str, Any], supervisor: str, scratch: Path
) -> tuple[dict[str, str], list[Path]]:
    """Return the same as variables and files; nothing if there is no broker, for then the page asks for one."""
    try:
        broker = broker_of(options, supervisor)
    except NotStarted as error:
        sys.stderr.write(f"{error} Or name one on the page.\n")
        return {}, []
    return variables({**broker, **_given(options, "base_topic")}, scratch)


def written(document: Mapping[str, Any], directory: Path) -> Path:
    """Write a configuration, secrets included, where only root reads it until it is handed over."""
    # JSON is YAML, and quotes every text
    return kept(json.dumps(document, indent=2), directory / "bridge.yaml")


def kept(text: str, path: Path) -> Path:
    """Write a file that only its owner reads, into a directory that the bridge's user can't write to."""
    path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def variables(broker: Mapping[str, Any], scratch: Path) -> tuple[dict[str, str], list[Path]]:
    """Return what tells the bridge of a broker beside a configuration that the page writes, and files for it."""
    files = []
    given = {f"SIM7020_MQTT__{key.upper()}": str(value) for key, value in broker.items() if key != "password"}
    if "password" in broker:
        files.append(kept(broker["password"], scratch / "mqtt-password"))
        given["SIM7020_MQTT__PASSWORD_FILE"] = str(files[0])
    return given, files


def named_file(folder: Path, name: str) -> Path:
    """Find the configuration file that the user wrote.

    Raises:
        NotStarted: It isn't in the app's folder.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise NotStarted(f"There is no file {name!r} in the app's configuration folder.")
    return path


def become_unprivileged(owned: list[Path], port: str | None) -> None:
    """Hand files over to the bridge's user, and become it for good; without a port, it may be any."""
    for path in owned:
        for each in (path, *path.rglob("*")):
            os.chown(each, ACCOUNT, ACCOUNT, follow_symlinks=False)
    groups = {SERIAL_PORTS}
    for each in [Path(port)] if port else [*Path("/dev").glob("tty[A-Z]*"), *Path("/dev").glob("serial/by-id/*")]:
        if each.exists():
            groups.add(each.stat().st_gid)
    os.setgroups(sorted(groups - {0}))
    os.setgid(ACCOUNT)
    os.setuid(ACCOUNT)


def main() -> None:
    """Start the bridge in this process's place; exit status 1 with a sentence if that can't be done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("/data"), help="the app's private folder")
    parser.add_argument("--folder", type=Path, default=Path("/config"), help="the folder that its user can write to")
    parser.add_argument("--scratch", type=Path, default=Path("/tmp/sim7020-bridge"), help="a folder in memory")  # noqa: S108 - the container's own
    parser.add_argument("--supervisor", default="http://supervisor", help="the Supervisor's address")
    parser.add_argument("--program", default="sim7020-bridge", help="the bridge")
    places = parser.parse_args()
    try:
        options = json.loads((places.data / "options.json").read_text(encoding="utf-8"))
        state = places.data / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        owned = [state]
        environment = {key: value for key, value in os.environ.items() if not key.endswith("_TOKEN")}
        arguments = ["run", "--config"]
        if options.get("configuration_file"):
            arguments.append(str(named_file(places.folder, options["configuration_file"])))
        elif named_ports(options):
            file = written(configuration(options, broker_of(options, places.supervisor)), places.scratch)
            arguments.append(str(file))
            owned.append(file)
        else:
            made = places.data / "configuration"
            made.mkdir(mode=0o700, exist_ok=True)
            arguments += [str(made / "bridge.yaml"), "--setup"]
            given, files = broker_for_the_page(options, places.supervisor, places.scratch)
            environment |= given
            owned += [made, *files]
    except NotStarted as error:
        sys.exit(str(error))
    if os.geteuid() == 0:
        become_unprivileged(owned, options.get("port"))
    environment |= {"STATE_DIRECTORY": str(state), **PAGE}
    environment.setdefault("SIM7020_HTTP__PORT", "7020")
    if options.get("log_level"):
        arguments += ["--log-level", options["log_level"]]
    os.execvpe(places.program, [places.program, *arguments], environment)  # noqa: S606 - no shell is what is wanted


def _given(options: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: options[key] for key in keys if options.get(key) not in (None, "", [])}


if __name__ == "__main__":
    main()
