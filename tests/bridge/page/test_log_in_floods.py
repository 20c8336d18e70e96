"""Floods of log-ins, over real sockets: few are looked at, nobody is kept out, and nothing stays behind."""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from sim7020_bridge.config.model import HttpSettings
from sim7020_bridge.http.access import Access
from sim7020_bridge.http.passwords import Hash, hashed
from sim7020_bridge.http.reply import Refusal
from sim7020_bridge.http.tries import FREE
from tests.bridge.page.whole import ALL, page, serving, with_passwords
from tests.web import get, post, request, send, until

HERE = HttpSettings(port=0, page=True)


async def test_a_thousand_log_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few are looked at, the others cost nothing; meanwhile somebody elsewhere logs in, and health is told."""
    looked_at = 0
    matches = Hash.matches

    def counted(kept: Hash, password: str) -> bool:
        nonlocal looked_at
        looked_at += password != ALL
        return matches(kept, password)

    monkeypatch.setattr(Hash, "matches", counted)
    attacked = page(HERE, with_passwords(tmp_path, hashed))
    async with serving(attacked) as port:
        answers = []

        async def attack() -> None:
            for number in range(20):
                answer = await post(port, "/api/login", {"password": f"guess {number}"})
                answers.append(answer)

        attacks = [asyncio.create_task(attack()) for _ in range(50)]
        await until(lambda: len(answers) > 100)
        login = request("POST", "/api/login", {"password": ALL})
        assert (await send(port, login, source="127.0.0.2")).status == 204
        assert (await get(port, "/health")).body == b"well"
        await asyncio.gather(*attacks)
        codes = [answer.status for answer in answers]
        assert len(codes) == 1000
        assert set(codes) == {401, 429}
        roles = 2
        assert FREE <= codes.count(401) <= FREE + 6
        assert looked_at == codes.count(401) * roles
        refused = next(answer for answer in answers if answer.status == 429)
        assert int(refused.fields["retry-after"]) >= 1
        logging_in = attacked.app.access._log_in
        assert logging_in is not None
        assert len(logging_in.tries) <= 2
        assert len(attacked.app.access._sessions) == 1


async def test_log_ins_from_everywhere(tmp_path: Path) -> None:
    """A flood from ever other addresses keeps nobody out who was in before."""

    def made(password: str) -> Hash:
        return Hash(2**12, 8, 1, b"salt", hashlib.scrypt(password.encode(), salt=b"salt", n=2**12, r=8, p=1))

    async with serving(page(HERE, with_passwords(tmp_path, made))) as port:
        login = request("POST", "/api/login", {"password": ALL})
        assert (await send(port, login, source="127.0.0.2")).status == 204
        over, tried = asyncio.Event(), 0

        async def attack(network: int) -> None:
            nonlocal tried
            wrong, number = request("POST", "/api/login", {"password": "guess"}), 0
            while not over.is_set():
                number, tried = number + 1, tried + 1
                await send(port, wrong, source=f"127.{network}.{number // 250}.{number % 250 + 1}")
                await asyncio.sleep(0.05)

        attacks = [asyncio.create_task(attack(network)) for network in range(10, 26)]
        await until(lambda: tried > 150)
        for _ in range(5):
            assert (await send(port, login, source="127.0.0.2")).status == 204
            assert (await get(port, "/health")).body == b"well"
        over.set()
        await asyncio.gather(*attacks)


async def test_log_ins_leave_no_memory_behind(tmp_path: Path) -> None:
    """What it takes to look at a password is given back."""
    access = Access(with_passwords(tmp_path, hashed))
    before = resident()
    for number in range(4):
        with pytest.raises(Refusal):
            await access.log_in("guess", f"192.0.2.{number}")
    assert resident() - before < 8 * 1024 * 1024


def resident() -> int:
    """Return the bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
