"""``password``: who may look at the page, and who may change something there."""

import sys
from pathlib import Path

import click

from sim7020_bridge.cli.exits import EXIT_CONFIGURATION, fail
from sim7020_bridge.cli.options import configuration
from sim7020_bridge.config.load import load
from sim7020_bridge.config.model import PASSWORDS
from sim7020_bridge.config.state_directory import default_state_dir
from sim7020_bridge.http.passwords import (
    LONGEST,
    SHORTEST,
    PasswordsUnreadable,
    hashed,
    read_passwords,
    write_passwords,
)
from sim7020_bridge.http.role import Role


@click.command()
@configuration("Whose page; without it, that of the default state directory.", required=False)
@click.option("--read-only", is_flag=True, help="The password of those who may only look.")
@click.option("--remove", is_flag=True, help="Let nobody in by it any more.")
def password(file: Path | None, *, read_only: bool, remove: bool) -> None:
    """Set a password for the page.

    Asks for it twice, or reads one line where there is no terminal. A running
    bridge takes it at once; who is logged in by the old one has to log in again.

    \b
    Exit status: 0 set or removed, 1 it can't be written, 2 it won't do.

    \b
    Example:   sim7020-bridge password --config bridge.yaml --read-only
    """
    role = Role.READ_ONLY if read_only else Role.FULL
    kept = _file(file)
    try:
        passwords = dict(read_passwords(kept))
    except PasswordsUnreadable as error:
        fail(f"{error}. Delete it to begin anew")
    if remove:
        if passwords.pop(role, None) is None:
            fail(f"there is no such password in {kept}", EXIT_CONFIGURATION)
    else:
        new = _asked()
        if any(other.matches(new) for whose, other in passwords.items() if whose is not role):
            fail("the other log-in has that password: who typed it could do what they should not", EXIT_CONFIGURATION)
        passwords[role] = hashed(new)
    try:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_passwords(kept, passwords)
    except OSError as error:
        fail(f"{kept} can't be written: {error.strerror}")
    who = "those who may only look" if read_only else "those who may do everything"
    click.echo(f"the password of {who} is {'removed from' if remove else 'in'} {kept}")


def _file(configuration: Path | None) -> Path:
    if configuration is not None:
        return load(configuration, secrets=False).page_passwords
    state_dir = default_state_dir()
    if state_dir is None:
        fail("name the configuration: this user has no home directory", EXIT_CONFIGURATION)
    return state_dir / PASSWORDS


def _asked() -> str:
    if sys.stdin.isatty():
        written = str(click.prompt("Password", hide_input=True, confirmation_prompt="Once more"))
    else:
        # bytes, as whoever wrote the file or the pipe sees them
        line = sys.stdin.buffer.readline(LONGEST + 2)
        try:
            written = line.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            fail("a password is UTF-8 text", EXIT_CONFIGURATION)
    if len(written) < SHORTEST:
        fail(f"a password has at least {SHORTEST} characters", EXIT_CONFIGURATION)
    if len(written.encode(errors="replace")) > LONGEST:
        fail(f"a password has at most {LONGEST} bytes", EXIT_CONFIGURATION)
    return written
