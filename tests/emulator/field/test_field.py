"""What a profile does to a module's traffic, its reports and its sleep."""

import asyncio
import itertools

import pytest

from sim7020_emulator.field.account import read_watts
from sim7020_emulator.field.conditions import GOOD, PROFILES, by_payload
from sim7020_emulator.mistakes import Mistake
from sim7020_emulator.options import read_options
from sim7020_emulator.scenario.control import describe_field
from sim7020_emulator.scenario.events import read_event
from sim7020_emulator.scenario.words import Target
from tests.emulator.field.stage import Outdoors, outdoors


def test_datagram_from_idle_takes_a_whole_round_trip() -> None:
    """The connection begins with the datagram, is told, and ends when the network's timer has run out."""

    async def act(place: Outdoors) -> None:
        async with place.echo():
            await place.bench.ask("AT+CSCON=1")
            assert await place.bench.ask("AT+CSCON?") == ["+CSCON: 1,0", "OK"]
            await place.send()
            began = place.now()
            connected = await place.connection_report(1)
            await place.bench.until(b"+CSONMI: 0,40,")
            echoed = place.now()
            released = await place.connection_report(0)
        assert 0.2 < connected - began < echoed - began < 6.8
        assert 14 < released - echoed < 94
        assert place.figure("connections") == 1
        assert place.figure("up_bytes") == place.figure("down_bytes") == 48

    outdoors("field-good", act)


def test_connected_module_is_faster() -> None:
    """A second datagram in the same connection needs no access."""

    async def act(place: Outdoors) -> None:
        async with place.echo():
            first, second = await place.round_trip(), await place.round_trip()
        assert first is not None
        assert second is not None
        assert second < 0.5 < first
        assert place.figure("connections") == 1

    outdoors("field-good", act)


def test_engineering_mode_tells_level_and_connection() -> None:
    """+CENG has the level and its signal in idle, and no measurements while connected."""

    async def act(place: Outdoors) -> None:
        async with place.echo():
            idle = (await place.bench.ask("AT+CENG?"))[0].split(",")
            await place.round_trip()
            connected = (await place.bench.ask("AT+CENG?"))[0].split(",")
        assert idle[10] == connected[10] == "2"
        assert -134 <= int(idle[4]) <= -113
        assert idle[12] == idle[4]
        assert connected[4:8] == ["", "", "", ""]
        assert connected[12] == ""
        assert (await place.bench.ask("AT+CSQ"))[0].startswith("+CSQ: 0,")

    outdoors("field-cellar", act)


@pytest.mark.parametrize(("code", "longest"), [(1, 15.0), (2, 15.0), (0, 95.0)])
def test_release_assistance_ends_the_connection(code: int, longest: float) -> None:
    """With it, the connection lasts as long as was measured with it; it is for one uplink."""

    async def act(place: Outdoors) -> None:
        async with place.echo():
            await place.bench.ask("AT+CSCON=1")
            if code:
                await place.bench.ask(f"AT+CNBIOTRAI={code}")
            await place.send()
            began = place.now()
            await place.connection_report(0)
            lasted = place.now() - began
            assert await place.bench.ask("AT+CNBIOTRAI?") == ["+CNBIOTRAI: 0", "OK"]
        assert (code > 0) is (lasted < 15)
        assert lasted < longest
        assert place.figure("rai") == (1 if code else 0)

    outdoors("field-good", act, facts={"rai_ignored": "0"})


def test_network_may_ignore_release_assistance() -> None:
    """Then the connection lasts as ever, and it is counted."""

    async def act(place: Outdoors) -> None:
        async with place.echo():
            await place.bench.ask("AT+CSCON=1")
            await place.bench.ask("AT+CNBIOTRAI=1")
            await place.send()
            began = place.now()
            assert await place.connection_report(0) - began > 20
        assert place.figure("rai_ignored") == 1

    outdoors("field-good", act, facts={"rai_ignored": "100"})


def test_release_assistance_outlasts_what_is_received() -> None:
    """It is the next uplink's, whatever comes down before."""

    async def act(place: Outdoors) -> None:
        async with place.echo() as peer:
            await place.round_trip()
            await place.bench.ask("AT+CNBIOTRAI=1")
            await peer.send(b"1234")
            await place.bench.until(b"+CSONMI: 0,8,31323334\r\n")
            assert await place.bench.ask("AT+CNBIOTRAI?") == ["+CNBIOTRAI: 1", "OK"]

    outdoors("field-good", act)


@pytest.mark.parametrize(("way", "up", "down"), [("loss_up", 1, 0), ("loss_down", 0, 1)])
def test_datagrams_are_lost(way: str, up: int, down: int) -> None:
    """On the way up the peer never has it, on the way down the module; both cost their bytes."""

    async def act(place: Outdoors) -> None:
        async with place.echo() as peer:
            assert await place.round_trip(patience=30) is None
            assert len(peer.datagrams) == 1 - up
        assert (place.figure("up_lost"), place.figure("down_lost")) == (up, down)
        assert place.figure("up_bytes") == 48

    outdoors("field-good", act, facts={way: "100"})


def test_answer_after_the_release_is_paged() -> None:
    """It waits for the paging cycle and needs a connection of its own."""

    async def act(place: Outdoors) -> None:
        async with place.echo(delay=60):
            trip = await place.round_trip()
        assert trip is not None
        assert 61 < trip < 75
        assert place.figure("connections") == 2

    outdoors("field-good", act)


def test_what_comes_meanwhile_is_paged_with_it() -> None:
    """Several datagrams for an idle module need one connection, and come in order."""

    async def act(place: Outdoors) -> None:
        async with place.echo() as peer:
            await place.round_trip()
            await place.until_idle()
            for number in range(4):
                await peer.send(bytes([number]))
            for number in range(4):
                await place.bench.until(f"+CSONMI: 0,2,{number:02X}\r\n".encode())
        assert place.figure("connections") == 2

    outdoors("field-cellar", act)


def test_edrx_makes_paging_slow() -> None:
    """An idle module listens once a cycle."""

    async def act(place: Outdoors) -> None:
        await place.bench.ask('AT+CEDRXS=1,5,"0101"')
        await place.until_idle()
        async with place.echo() as peer:
            await place.round_trip()
            waits = []
            for _ in range(4):
                await place.until_idle()
                began = place.now()
                await peer.send(b"x")
                await place.bench.until(b"+CSONMI: 0,2,")
                waits.append(place.now() - began)
        assert max(waits) > 15
        assert max(waits) < 90

    outdoors("field-good", act)


@pytest.mark.parametrize("profile", ["field-good", "field-cellar"])
def test_stream_loses_no_byte(profile: str) -> None:
    """What is lost on its way comes later; handshake, acknowledgements and close are counted with their headers."""

    async def act(place: Outdoors) -> None:
        await place.bench.ask("AT+CSOSENDFLAG=1")
        async with place.echo("tcp") as peer:
            for number in range(6):
                await place.bench.ask(f"AT+CSOSEND=0,4,{number:04X}")
            await peer.wait_for(b"".join(number.to_bytes(2, "big") for number in range(6)))
            await asyncio.sleep(200)
            assert place.bench.heard.count(b"SEND: 0,2") == 6
            await place.bench.ask("AT+CSOCL=0")
        assert place.figure("up_lost") > 0
        again = place.figure("up_bytes") - place.figure("up") * 40 - 6 * 2
        assert 0 < again <= 2 * place.figure("up_lost")

    outdoors(profile, act, facts={"loss_up": "30"}, seed=3)


def test_stream_outlasts_a_network_that_loses_all() -> None:
    """Then a segment takes minutes, and arrives all the same."""

    async def act(place: Outdoors) -> None:
        async with place.echo("tcp") as peer:
            place.module.change_fact("loss_up", "100")
            began = place.now()
            await place.bench.ask("AT+CSOSEND=0,4,ABCD")
            await asyncio.sleep(600)
            assert not peer.received
            await asyncio.sleep(300)
            assert bytes(peer.received) == b"\xab\xcd"
            assert place.now() - began > 765

    outdoors("field-good", act)


def test_handshake_takes_a_round_trip_and_gives_up() -> None:
    """Connecting takes as long as the network; if nothing comes through, it fails as it always did."""

    async def act(place: Outdoors) -> None:
        await place.bench.ask("AT+CSOC=1,1,1")
        began = place.now()
        assert (await place.bench.ask("AT+CSOCON=0,9,127.0.0.1"))[-1] == "ERROR"
        assert place.now() - began > 75

    outdoors("field-good", act, facts={"loss_up": "100"})


def test_attach_takes_what_was_measured() -> None:
    """From radio on to registered, and again after the network has detached the module; each is a session."""

    async def act(place: Outdoors) -> None:
        await place.bench.ask("AT+CEREG=1")
        times = []
        for _ in range(8):
            await place.bench.ask("AT+CFUN=0")
            await place.bench.ask("AT+CFUN=1")
            place.bench.heard.clear()
            began = place.now()
            await place.bench.until(b"+CEREG: 1\r\n")
            times.append(place.now() - began)
        assert len(set(times)) == 8
        assert all(3 < time < 175.1 for time in times)
        assert place.figure("attaches") == 9
        assert "sessions=9" in describe_field(place.module)

    outdoors("field-good", act)


def test_ping_names_and_time_take_round_trips() -> None:
    """The first of a series pays for the access; what is lost is told as ever."""

    async def act(place: Outdoors) -> None:
        place.module.internet.names["a.example"] = ("192.0.2.1",)
        began = place.now()
        await place.bench.ask('AT+CDNSGIP="a.example"')
        await place.bench.until(b"+CDNSGIP: 1,")
        assert place.now() - began > 0.5
        await place.until_idle()
        await place.bench.ask("AT+CIPPING=127.0.0.1,3")
        times = [int((await place.bench.line()).split(",")[2]) for _ in range(3)]
        assert times[0] > max(times[1:])
        began = place.now()
        await place.bench.ask('AT+CSNTPSTART="a.example"')
        await place.bench.until(b"+CSNTP: ")
        assert place.now() > began
        place.module.change_fact("loss_up", "100")
        await place.bench.ask("AT+CIPPING=127.0.0.1,1,32,50")
        assert await place.bench.line() == "+CIPPING: 1,127.0.0.1,50,0"
        await place.bench.ask('AT+CDNSGIP="a.example"')
        assert await place.bench.line() == "+CDNSGIP: 0,8"

    outdoors("field-good", act)


def test_sleep_follows_the_release() -> None:
    """T3324 begins when the network has released the connection; the update that wakes the module is one of its own."""

    async def act(place: Outdoors) -> None:
        await place.bench.ask('AT+CPSMS=1,,,"10000010","00000010"')
        await place.bench.until(b'"ENTER PSM"')
        slept = place.now()
        assert place.module.field.state == "psm"
        await place.bench.until(b'"EXIT PSM"')
        assert 59 < place.now() - slept < 62
        await place.bench.until(b'"ENTER PSM"')
        assert place.now() - slept > 60 + 20
        assert place.figure("updates") == 2
        assert place.figure("psm_s") == pytest.approx(60, abs=1)

    outdoors("field-good", act)


def test_idle_module_updates_its_tracking_area() -> None:
    """Every T3412 without a connection."""

    async def act(place: Outdoors) -> None:
        await asyncio.sleep(3300)
        assert place.figure("updates") == 1
        await asyncio.sleep(3300)
        assert place.figure("updates") == 2

    outdoors("field-good", act)


def test_day_has_both_levels() -> None:
    """Each connection draws its level."""

    async def act(place: Outdoors) -> None:
        field = place.module.field
        levels = []
        for _ in range(200):
            field._draw_level()
            levels.append(field.level)
        assert 1 <= levels.count(1) <= 15
        assert levels.count(0) + levels.count(1) == 200

    outdoors("field-day", act)


def test_same_seed_same_life() -> None:
    """What is drawn depends on the seed alone."""

    def life(seed: int) -> list[float | None]:
        trips: list[float | None] = []

        async def act(place: Outdoors) -> None:
            async with place.echo():
                for _ in range(3):
                    trips.append(await place.round_trip())
                    await place.until_idle()

        outdoors("field-edge", act, seed=seed)
        return [trip and round(trip, 3) for trip in trips]

    assert life(5) == life(5) != life(6)


def test_event_changes_the_profile() -> None:
    """``profile NAME`` goes over to another network, and ``none`` ends it; a connection is reported to its end."""

    async def act(place: Outdoors) -> None:
        target = Target(place.module, place.bench.emulator.line_faults)
        async with place.echo():
            read_event("profile field-good").action(target)
            assert describe_field(place.module).startswith("profile=field-good radio=idle")
            assert (await place.round_trip() or 0) > 0.5
            assert place.module.field.level == 0
            await place.bench.ask("AT+CSCON=1")
            read_event("profile none").action(target)
            await place.connection_report(0)
            assert (await place.round_trip() or 9) < 0.5
        assert describe_field(place.module).startswith("profile=none radio=off")

    outdoors("none", act)


def test_profile_that_begins_is_no_attach() -> None:
    """A registered module is idle when one begins, also after none, and no connection is made up; the sums go on."""

    async def act(place: Outdoors) -> None:
        target = Target(place.module, place.bench.emulator.line_faults)
        before = [place.figure(name) for name in ("attaches", "connections", "connected_s", "waiting_s")]
        assert before[0] == 1
        await place.bench.ask("AT+CSCON=1")
        read_event("profile none").action(target)
        read_event("profile field-cellar").action(target)
        await asyncio.sleep(200)
        assert describe_field(place.module).startswith("profile=field-cellar radio=idle level=2")
        assert [place.figure(name) for name in ("attaches", "connections", "connected_s", "waiting_s")] == before
        assert b"+CSCON" not in place.bench.heard
        await place.bench.ask("AT+CFUN=0")
        await place.bench.ask("AT+CFUN=1")
        await place.connection_report(1)
        assert place.figure("attaches") == 2

    outdoors("field-good", act)


def test_command_line_and_events_know_the_profiles() -> None:
    """--profile takes each, and refuses others in a line."""
    for name, conditions in PROFILES.items():
        assert read_options(["--profile", name]).setup.conditions is conditions
    assert read_options([]).setup.conditions is None
    with pytest.raises(Mistake, match="field-good"):
        read_options(["--profile", "field-better"])
    with pytest.raises(Mistake, match="NAME"):
        read_event("profile best")


def test_larger_payload_takes_longer() -> None:
    """Between the sizes that were measured, and beyond the largest."""
    for part in (0.05, 0.5, 0.9):
        trips = [by_payload(part, size) for size in (1, 20, 64, 128, 200, 256, 400, 512, 700)]
        assert trips == sorted(trips)
        assert trips[0] == trips[1]
    assert [round(by_payload(0.5, size), 2) for size in (20, 128, 256, 512)] == [2.02, 2.64, 3.33, 5.2]


@pytest.mark.parametrize("conditions", PROFILES.values(), ids=PROFILES)
def test_every_number_of_a_profile_can_be(conditions: object) -> None:
    """Levels add up, and every distribution grows, at every level and size."""
    assert isinstance(conditions, type(GOOD))
    assert sum(conditions.levels) == pytest.approx(1)
    for level, size in itertools.product(range(3), (0, 20, 512, 1400)):
        trips = [conditions.from_idle[level](part / 100, size) for part in range(101)]
        assert all(trip > 0 for trip in trips)
        assert trips[-1] == max(trips)
        assert all(conditions.release[level](trip, 0.5) > 19 for trip in trips)


def test_power_is_counted_and_can_be_set() -> None:
    """Joules are seconds times watts; others take the place of the documented ones."""
    assert read_watts("idle=0.5,waiting=1,busy=2,psm=3,asleep=4").waiting == (1.0, 1.0, 1.0)

    async def act(place: Outdoors) -> None:
        async with place.echo():
            await place.round_trip()
            await place.until_idle()
        figures = place.module.field.figures()
        for state, watts in (("idle", 1.0), ("waiting", 0.5), ("access", 0.064)):
            assert float(figures[f"{state}_j"]) == pytest.approx(float(figures[f"{state}_s"]) * watts, abs=0.001)
        total = sum(float(figure) for name, figure in figures.items() if name.endswith("_j"))
        assert float(figures["joules"]) == pytest.approx(total, abs=0.001)

    outdoors("field-good", act, facts={"watts": "idle=1,waiting=0.5"})


def test_watts_are_checked() -> None:
    """What is no power is refused."""
    with pytest.raises(Mistake, match="watts"):
        read_options(["--set", "watts=idle=much"])
