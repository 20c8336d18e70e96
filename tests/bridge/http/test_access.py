"""Sessions and passwords, in a time that only the tests move on."""

import asyncio
import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sim7020_bridge.http import access as access_module
from sim7020_bridge.http import log_in as log_in_module
from sim7020_bridge.http import passwords as passwords_module
from sim7020_bridge.http.access import IDLE, LONGEST_SESSION, MOST_SESSIONS, Access, Caller
from sim7020_bridge.http.passwords import Hash, PasswordsUnreadable, hashed, read_passwords, write_passwords
from sim7020_bridge.http.reply import Refusal
from sim7020_bridge.http.role import Role
from sim7020_bridge.http.tries import FORGIVEN, FREE, LONGEST_WAIT, MOST_ADDRESSES, Tries
from sim7020_bridge.http.turns import MOST_KNOWN, MOST_OF_ONE, MOST_WAITING, NoTurn, Turns
from tests.fast_time import FastLoop
from tests.web import until


def weak(password: str) -> Hash:
    """Return what scrypt makes of a password with little effort."""
    digest = hashlib.scrypt(password.encode(), salt=b"salt", n=2, r=1, p=1)
    return Hash(2, 1, 1, b"salt", digest)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with a password for each role."""
    file = tmp_path / "passwords"
    write_passwords(file, {Role.FULL: weak("full"), Role.READ_ONLY: weak("eyes")})
    return file


def passes(seconds: float) -> None:
    """Let the loop's clock show so much later."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, FastLoop)
    loop._pace.now += seconds


def too_many_open_files(_file: Path) -> None:
    """Fail as a file does that can't be opened now."""
    raise PasswordsUnreadable("too many open files")


async def refused(access: Access, password: str, address: str = "192.0.2.1") -> Refusal:
    """Try a password that won't do, and return what is said."""
    with pytest.raises(Refusal) as refusal:
        await access.log_in(password, address)
    return refusal.value


async def test_a_role_for_each_password(file: Path) -> None:
    """Who logs in may do what the password is for, until they log out."""
    access = Access(file)
    for password, role in (("full", Role.FULL), ("eyes", Role.READ_ONLY)):
        token = await access.log_in(password, "192.0.2.1")
        assert (await access.caller(token, local=True)).role is role
        access.log_out(token)
        assert (await access.caller(token, local=True)).role is Role.ANYONE
    for wrong in (None, "", "x" * 43):
        assert (await access.caller(wrong, local=True)).role is Role.ANYONE


async def test_without_passwords(tmp_path: Path) -> None:
    """On this machine all is allowed then, elsewhere nothing; and nobody logs in."""
    access = Access(tmp_path / "none")
    assert await access.caller(None, local=True) == Caller(Role.FULL, None, password=False, local=True)
    with pytest.raises(Refusal, match="sim7020-bridge password") as refusal:
        await access.caller(None, local=False)
    assert refusal.value.code == "no_password"
    assert (await refused(access, "anything")).code == "no_password"


@pytest.mark.parametrize(
    "content",
    [
        "full hunter2\n",
        "full scrypt$3$1$1$AA==$AA==\n",
        "full scrypt$4$9$1$*$AA==\n",
        "x" * 5000,
        "",
        "# full\n",
        "full scrypt$4$9$1$\u00e9$AA==\n",
    ],
)
async def test_a_broken_file_lets_nobody_in(tmp_path: Path, content: str) -> None:
    """Also on this machine: what can't be read was meant to keep somebody out."""
    file = tmp_path / "passwords"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(Refusal) as refusal:
        await Access(file).caller(None, local=True)
    assert refusal.value.code == "no_password"
    with pytest.raises(PasswordsUnreadable):
        read_passwords(file)


async def test_a_file_that_could_not_be_read_for_a_while(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is read again, though nothing changed in it; that it can't be is told once."""
    access = Access(file)
    with monkeypatch.context() as patch:
        patch.setattr(passwords_module, "read_passwords", too_many_open_files)
        for _ in range(3):
            assert (await refused(access, "full")).code == "no_password"
    assert caplog.text.count("nobody can log in: too many open files") == 1
    assert await access.log_in("full", "192.0.2.1")


async def test_the_last_password_is_removed(tmp_path: Path) -> None:
    """Then this machine needs none, as before there was one."""
    write_passwords(tmp_path / "passwords", {})
    assert (await Access(tmp_path / "passwords").caller(None, local=True)).role is Role.FULL


async def test_sessions_end(file: Path) -> None:
    """By doing nothing, by age, and not before."""
    access = Access(file)
    token = await access.log_in("full", "192.0.2.1")
    for _ in range(int(LONGEST_SESSION / (IDLE - 1))):
        passes(IDLE - 1)
        assert (await access.caller(token, local=True)).role is Role.FULL
    passes(IDLE - 1)
    assert (await access.caller(token, local=True)).role is Role.ANYONE
    token = await access.log_in("full", "192.0.2.1")
    passes(IDLE)
    assert (await access.caller(token, local=True)).role is Role.ANYONE


async def test_a_new_password_ends_sessions_of_the_old_one(file: Path) -> None:
    """Those of the other role go on."""
    access = Access(file)
    full, eyes = await access.log_in("full", "192.0.2.1"), await access.log_in("eyes", "192.0.2.1")
    write_passwords(file, {Role.FULL: weak("new"), Role.READ_ONLY: read_passwords(file)[Role.READ_ONLY]})
    assert (await access.caller(full, local=True)).role is Role.ANYONE
    assert (await access.caller(eyes, local=True)).role is Role.READ_ONLY
    assert (await refused(access, "full")).code == "wrong_password"
    assert await access.log_in("new", "192.0.2.1")


async def test_who_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream ends with its session: at once by logging out, soon by another password; and keeps it from idling."""
    monkeypatch.setattr(access_module, "LOOK_AGAIN", 0.01)
    access, over = Access(file), asyncio.Event()
    token = await access.log_in("full", "192.0.2.1")
    caller = await access.caller(token, local=True)
    with access.staying(caller, over.set):
        assert caller.session is not None
        used = caller.session.used
        async with asyncio.timeout(30):
            while caller.session.used == used:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        assert not over.is_set()
        access.log_out(token)
        assert over.is_set()
    over.clear()
    with access.staying(caller, over.set):
        assert over.is_set()
    over.clear()
    eyes = await access.caller(await access.log_in("eyes", "192.0.2.1"), local=True)
    caller = await access.caller(await access.log_in("full", "192.0.2.1"), local=True)
    others = asyncio.Event()
    with access.staying(eyes, others.set), access.staying(caller, over.set):
        write_passwords(file, {Role.FULL: weak("new"), Role.READ_ONLY: read_passwords(file)[Role.READ_ONLY]})
        async with asyncio.timeout(30):
            await over.wait()
        assert not others.is_set()
        await asyncio.to_thread(file.write_text, "no password")
        async with asyncio.timeout(30):
            await others.wait()


async def test_whatever_goes_wrong_ends_those_who_stay(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream does not outlive its password because something unforeseen failed, nor does the next one."""
    monkeypatch.setattr(access_module, "LOOK_AGAIN", 0.01)
    access, over, later = Access(file), asyncio.Event(), asyncio.Event()
    caller = await access.caller(await access.log_in("full", "192.0.2.1"), local=True)

    async def fail() -> None:
        raise ZeroDivisionError

    with access.staying(caller, over.set):
        monkeypatch.setattr(access, "_passwords", fail)
        async with asyncio.timeout(30):
            await over.wait()
            with access.staying(caller, later.set):
                await later.wait()


async def test_who_stays_without_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once there is one, they are out."""
    monkeypatch.setattr(access_module, "LOOK_AGAIN", 0.01)
    access, over = Access(tmp_path / "passwords"), asyncio.Event()
    with access.staying(await access.caller(None, local=True), over.set):
        await asyncio.sleep(0.05)
        assert not over.is_set()
        write_passwords(tmp_path / "passwords", {Role.FULL: weak("new")})
        async with asyncio.timeout(30):
            await over.wait()


async def test_there_are_so_many_sessions(file: Path) -> None:
    """Beyond that, the one that was not used for the longest ends."""
    access = Access(file)
    tokens = []
    for _ in range(MOST_SESSIONS):
        tokens.append(await access.log_in("full", "192.0.2.1"))
        passes(1)
    assert (await access.caller(tokens[0], local=True)).role is Role.FULL
    await access.log_in("full", "192.0.2.1")
    assert (await access.caller(tokens[1], local=True)).role is Role.ANYONE
    assert (await access.caller(tokens[0], local=True)).role is Role.FULL
    assert len(access._sessions) == MOST_SESSIONS


async def test_who_may_only_look_ends_no_session_of_who_may_do_more(file: Path) -> None:
    """However many log in that way, and however long the other has been idle."""
    access = Access(file)
    token = await access.log_in("full", "192.0.2.1")
    for _ in range(MOST_SESSIONS):
        passes(1)
        await access.log_in("eyes", "192.0.2.2")
    assert (await access.caller(token, local=True)).role is Role.FULL
    assert len(access._sessions) == MOST_SESSIONS


@pytest.mark.parametrize("password", ["", "x" * 1025, "\ud800"])
async def test_what_is_no_password(file: Path, password: str) -> None:
    """It is wrong, whatever it is."""
    assert (await refused(Access(file), password)).code == "wrong_password"


async def test_wrong_passwords_slow_down(file: Path) -> None:
    """The first ones are free, then each costs twice the wait; the right one is not even looked at before."""
    access = Access(file)
    for _ in range(FREE):
        assert (await refused(access, "wrong")).code == "wrong_password"
    for wait in (1, 2, 4, 8):
        refusal = await refused(access, "full")
        assert (refusal.code, refusal.fields["Retry-After"]) == ("too_many_tries", str(wait))
        passes(wait)
        assert (await refused(access, "wrong")).code == "wrong_password"
    assert await access.log_in("full", "192.0.2.2")
    passes(16)
    assert await access.log_in("full", "192.0.2.1")
    assert (await refused(access, "wrong")).code == "wrong_password"


async def test_waiting_for_others_is_no_wrong_password(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is turned away since too many log in at once has lost no try by it."""
    access = Access(file)
    all_there = threading.Event()

    def wrong(*_: object) -> None:
        all_there.wait()

    monkeypatch.setattr(log_in_module, "_matching", wrong)
    tries = [asyncio.create_task(access.log_in("wrong", "192.0.2.1")) for _ in range(FREE)]
    await until(lambda: sum(each.done() for each in tries) == FREE - 1 - MOST_OF_ONE)
    all_there.set()
    codes = [
        refusal.code for refusal in await asyncio.gather(*tries, return_exceptions=True) if isinstance(refusal, Refusal)
    ]
    assert codes.count("wrong_password") == 1 + MOST_OF_ONE
    assert codes.count("too_many_tries") == FREE - 1 - MOST_OF_ONE
    assert access._log_in is not None
    assert access._log_in.tries.wrong("192.0.2.1") == 1 + MOST_OF_ONE


async def test_trying_at_once_is_no_way_around() -> None:
    """A try counts when it begins."""
    tries = Tries()
    assert [tries.begin("192.0.2.1") > 0 for _ in range(FREE + 5)] == [False] * FREE + [True] * 5


async def test_addresses_that_try_once_make_nobody_forgotten() -> None:
    """Who tries from many addresses in between is not let off for that; a try that was not looked at is none."""
    tries = Tries()
    for _ in range(FREE):
        tries.begin("192.0.2.1")
    for number in range(2 * MOST_ADDRESSES):
        tries.begin(f"198.51.{number // 256}.{number % 256}")
    assert tries.begin("192.0.2.1") > 0
    tries.withdraw("192.0.2.1")
    assert tries.wrong("192.0.2.1") == FREE - 1
    assert tries.begin("192.0.2.1") == 0
    assert len(tries) == MOST_ADDRESSES


async def test_who_was_wrong_long_ago_is_forgotten_first() -> None:
    """However often that was: those who are wrong now are what there is to be slowed down."""
    tries = Tries()
    for _ in range(FREE - 1):
        tries.begin("192.0.2.1")
    passes(FORGIVEN + 1)
    for number in range(MOST_ADDRESSES):
        tries.begin(f"198.51.100.{number}")
    assert tries.wrong("192.0.2.1") == 0
    assert [number for number in range(MOST_ADDRESSES) if not tries.wrong(f"198.51.100.{number}")] == []


async def test_who_has_been_in_is_remembered_within_bounds() -> None:
    """The one that was in the longest ago is forgotten for another."""
    turns = Turns()
    for number in (1, 2, 1, *range(3, MOST_KNOWN + 2)):
        turns.has_been_in(f"192.0.2.{number}")
    assert list(turns._known) == [f"192.0.2.{number}" for number in (1, *range(3, MOST_KNOWN + 2))]


async def test_who_has_been_in_comes_first() -> None:
    """Then who was wrong the least; whoever is too many, or goes away, holds nobody up."""
    turns = Turns()
    turns.has_been_in("192.0.2.1")
    order: list[str] = []

    async def wait(address: str, wrong: int) -> None:
        async with turns.turn(address, wrong):
            order.append(address)

    async with turns.turn("192.0.2.9", 0):
        waiting = [asyncio.create_task(wait(f"198.51.100.{number}", number % 2)) for number in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(NoTurn):
            await wait("203.0.113.1", 5)
        waiting += [asyncio.create_task(wait("192.0.2.1", 4)) for _ in range(MOST_OF_ONE)]
        await asyncio.sleep(0)
        with pytest.raises(NoTurn):
            await wait("192.0.2.1", 0)
        waiting[0].cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert order[:3] == ["192.0.2.1", "192.0.2.1", "198.51.100.2"]
    assert sum(isinstance(result, NoTurn) for result in results) == MOST_OF_ONE
    assert len(order) == MOST_WAITING - 1
    async with turns.turn("192.0.2.9", 0):
        pass


async def test_whose_turn_it_is_may_go_away() -> None:
    """The next one has it then."""
    turns = Turns()

    async def wait(address: str) -> str:
        async with turns.turn(address, 0):
            return address

    async with turns.turn("192.0.2.9", 0):
        tasks = [asyncio.create_task(wait(f"192.0.2.{number}")) for number in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
    tasks[1].cancel()
    assert await tasks[2] == "192.0.2.2"
    assert await wait("192.0.2.3") == "192.0.2.3"


async def test_tries_are_bounded() -> None:
    """Waits and memory have a limit, and a whole IPv6 network is one."""
    tries = Tries()
    for number in range(1000):
        tries.begin(f"2001:db8:0:{number % 300:x}::{number:x}")
    assert len(tries) == MOST_ADDRESSES
    for _ in range(40):
        passes(tries.begin("192.0.2.1"))
        tries.begin("192.0.2.1")
    assert 0 < tries.begin("192.0.2.1") <= LONGEST_WAIT
    assert tries.begin("::1") == 0
    for number in range(FREE):
        assert tries.begin(f"2001:db8::{number}") == 0
    assert tries.begin("2001:db8::ffff") > 0
    passes(FORGIVEN + 1)
    assert tries.begin("2001:db8::ffff") == 0
    assert tries.begin("no address") == 0


_LOGS_IN = """
import asyncio, sys
from pathlib import Path
from sim7020_bridge.http.access import Access

def resident():
    return int(next(line for line in Path("/proc/self/status").open() if line.startswith("VmRSS")).split()[1]) / 1024

async def log_in(access, address):
    await access.log_in("my own words", address)

async def main():
    access = Access(Path(sys.argv[1]))
    await log_in(access, "192.0.2.1")
    before = resident()
    for turn in range(4):
        await asyncio.gather(*(log_in(access, f"192.0.2.{each}") for each in range(4)))
    print(resident() - before, before)

asyncio.run(main())
"""


def test_memory_is_given_back(tmp_path: Path) -> None:
    """Each log-in takes 16 MiB for a moment, in a thread of its own, and the bridge is no larger afterwards."""
    write_passwords(tmp_path / "passwords", {Role.FULL: hashed("my own words")})
    command = [sys.executable, "-c", _LOGS_IN, str(tmp_path / "passwords")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    more, before = map(float, ran.stdout.split())
    assert more < 8
    assert before < 48
