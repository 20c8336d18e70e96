"""Sequence numbers: none is used twice, whatever becomes of the process or of the file."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim7020_bridge.coap.ends import NoNumber
from sim7020_bridge.coap.numbers import EPOCH, MOST, RATE, STEP, Numbers


def opened(path: Path, second: int = 1) -> Numbers:
    """Open a file of numbers so many seconds after the clock's beginning."""
    return Numbers(path, clock=lambda: EPOCH + second)


def test_numbers_begin_at_the_clocks_and_go_on(tmp_path: Path) -> None:
    """Of a key without a file nobody knows whether it was used; what was not used comes next."""
    numbers = opened(tmp_path / "numbers", 3)
    assert [numbers.take() for _ in range(STEP + 1)] == [3 * RATE + n for n in range(STEP + 1)]
    numbers.close()
    numbers = opened(tmp_path / "numbers", 1)
    assert numbers.take() == 3 * RATE + STEP + 1
    numbers.close()


def test_no_number_is_used_twice_over_a_kill(tmp_path: Path) -> None:
    """Whatever is killed, wherever in a reservation, begins behind all that it used."""
    script = (
        "import os,sys\nfrom pathlib import Path\nfrom sim7020_bridge.coap.numbers import EPOCH,Numbers\n"
        "n=Numbers(Path(sys.argv[1]),clock=lambda:EPOCH+1)\n"
        "for _ in range(int(sys.argv[2])): print(n.take(), flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    used: list[int] = []
    for count in (1, STEP - 1, STEP, STEP + 1):
        arguments = [sys.executable, "-c", script, str(tmp_path / "numbers"), str(count)]
        used += map(int, subprocess.run(arguments, capture_output=True, text=True, check=False).stdout.split())
    assert len(used) == 1 + 3 * STEP
    assert used == sorted(set(used))


def test_a_number_that_could_not_be_reserved_is_not_used(tmp_path: Path) -> None:
    """A disk that does not take it costs no number."""
    numbers = opened(tmp_path / "numbers")
    (tmp_path / "numbers.new").mkdir()
    with pytest.raises(NoNumber):
        numbers.take()
    (tmp_path / "numbers.new").rmdir()
    assert numbers.take() == RATE
    numbers.close()


async def test_reserving_does_not_block(tmp_path: Path) -> None:
    """What is reserved in a thread is there to be taken; once closed, nothing is written any more."""
    numbers = opened(tmp_path / "numbers")
    await asyncio.gather(numbers.ready(), numbers.ready())
    assert (tmp_path / "numbers").read_text().startswith(f"{RATE + STEP} ")
    assert numbers.take() == RATE
    numbers.close()
    written = (tmp_path / "numbers").read_bytes()
    assert written.startswith(b"%d " % (RATE + 1))
    numbers._next = MOST - STEP
    with pytest.raises(NoNumber, match="no more"):
        numbers.take()
    assert (tmp_path / "numbers").read_bytes() == written


def restored(path: Path, *, times: bool) -> None:
    """Put a copy in the file's place, as a backup does that keeps times or does not."""
    shutil.copy2(path, path.with_suffix(".backup"))
    if not times:
        os.utime(path.with_suffix(".backup"))
    path.unlink()
    path.with_suffix(".backup").rename(path)


@pytest.mark.parametrize("times", [True, False])
def test_a_restored_backup_goes_on_from_the_clock(tmp_path: Path, *, times: bool) -> None:
    """What it says may be long past."""
    path = tmp_path / "numbers"
    numbers = opened(path)
    numbers.take()
    numbers.close()
    restored(path, times=times)
    numbers = opened(path, 500)
    assert numbers.take() == 500 * RATE
    numbers.close()


def test_a_restored_backup_in_the_same_inode_is_known_by_its_times(tmp_path: Path) -> None:
    """File systems use inodes again."""
    path = tmp_path / "numbers"
    earlier = (int(time.time()) - 3600) // 2 * 2 * 10**9
    path.write_bytes(b"")
    found = path.stat()
    path.write_bytes(b"777 %d %d %d\n" % (found.st_ino, found.st_dev, earlier))
    numbers = opened(path, 500)
    assert numbers.take() == 500 * RATE
    numbers.close()
    path.write_bytes(b"777 %d %d %d\n" % (path.stat().st_ino, found.st_dev, earlier))
    os.utime(path, ns=(earlier, earlier))
    numbers = opened(path, 501)
    assert numbers.take() == 501 * RATE
    numbers.close()


def test_a_clock_that_is_behind_tells_no_number(tmp_path: Path) -> None:
    """A computer without a clock of its own starts in the past: nothing is used until it was set."""
    path = tmp_path / "numbers"
    with pytest.raises(NoNumber, match="set it"):
        opened(path, -1)
    numbers = opened(path, 10)
    numbers.take()
    numbers.close()
    restored(path, times=True)
    with pytest.raises(NoNumber, match="set it"):
        opened(path, 10)
    numbers = opened(path, 11)
    assert numbers.take() == 11 * RATE
    numbers.close()


@pytest.mark.parametrize("content", [b"", b"12", b"-1 1 1 1\n", b"x\n", b"1 2 3\n", b"9" * 300])
def test_a_damaged_file_goes_on_from_the_clock(content: bytes, tmp_path: Path) -> None:
    """Nothing begins at 0 because a file can't be read."""
    (tmp_path / "numbers").write_bytes(content)
    numbers = opened(tmp_path / "numbers", 7)
    assert numbers.take() == 7 * RATE
    numbers.close()


def test_the_last_number_is_the_last(tmp_path: Path) -> None:
    """A key that was used up says so."""
    numbers = opened(tmp_path / "numbers")
    numbers._next = numbers._reserved = MOST - STEP + 1
    assert [numbers.take() for _ in range(STEP)][-1] == MOST
    with pytest.raises(NoNumber, match="make a new one"):
        numbers.take()
    numbers.close()


def test_one_process_has_a_key(tmp_path: Path) -> None:
    """Two bridges can't use a key together."""
    first = opened(tmp_path / "numbers")
    with pytest.raises(NoNumber, match="another process"):
        opened(tmp_path / "numbers")
    first.close()
    first.close()
    opened(tmp_path / "numbers").close()
