"""The judges' material: what is in tests/transcripts, and its loader."""

import re
from pathlib import Path

import pytest

from tests.transcript import (
    DIRECTORY,
    Blank,
    RawReceived,
    RawSent,
    Received,
    Sent,
    Transcript,
    all_transcripts,
    load,
    parse,
    wire,
)
from tests.transcript_given import (
    EVENTS,
    FACTS,
    VARIANTS,
    Dns,
    Event,
    Fail,
    Given,
    Peer,
    Ping,
    Setting,
    Variant,
    parse_event,
    parse_given,
)

HEADER = "# source: a test\n# what: a dialogue\n# fidelity: composed\n"
NOTE_SECTIONS = {"0", "2", "2.1", "2.2", "2.3", "2.4"} | {f"3.{part}" for part in range(1, 10)} | {"4"}


def named(name: str) -> Transcript:
    """Return the transcript of that name."""
    return load(DIRECTORY / f"{name}.at")


class TestTranscripts:
    """What is in tests/transcripts."""

    def test_every_section_of_the_note_has_one(self) -> None:
        """Each section of the TCP/IP note is judged on both sides."""
        covered = {transcript.note_section for transcript in all_transcripts() if transcript.judges_emulator}
        assert covered - {None} == NOTE_SECTIONS

    def test_names_say_what_they_are(self) -> None:
        """A file's prefix agrees with its section and its fidelity."""
        for transcript in all_transcripts():
            prefix = transcript.name.split("-")[0]
            assert prefix in {"note", "vendor", "manual", "device", "reference"}
            assert (transcript.fidelity == "device") == (prefix == "device"), transcript.name
            assert (transcript.note_section is not None) == (prefix == "note"), transcript.name
            if transcript.note_section is not None:
                assert transcript.name.startswith(f"note-{transcript.note_section}-")

    def test_no_typographic_quotes(self) -> None:
        """Only ASCII stands in a transcript."""
        assert [path.name for path in DIRECTORY.glob("*.at") if not path.read_text(encoding="utf-8").isascii()] == []

    def test_data_lengths_agree(self) -> None:
        """A CSONMI or CSOSEND in hex counts its digits, but for the refusals that show what happens if it does not."""
        for transcript in all_transcripts():
            for line in transcript.received:
                if found := re.fullmatch(r"\+CSONMI: ?\d,(\d+),([0-9A-F]+)", line):
                    assert int(found[1]) == len(found[2]), f"{transcript.name}: {line}"
            for command, answer in transcript.exchanges():
                found = re.fullmatch(r'AT\+CSOSEND=\d,([1-9]\d*),"?([0-9A-Fa-f]+)"?', command)
                if found and answer[0] == "OK":
                    assert int(found[1]) == len(found[2]), f"{transcript.name}: {command}"

    def test_peers_named_by_events_exist(self) -> None:
        """An event speaks only of servers that are given."""
        for transcript in all_transcripts():
            for step in transcript.steps:
                if isinstance(step, Event) and step.words[0] == "peer":
                    assert int(step.words[1]) < len(transcript.peers), f"{transcript.name}:{step.line}"

    def test_the_note_s_dump_is_met_byte_for_byte(self) -> None:
        """The extra line end of section 3.8 gives the 29 bytes that the note prints."""
        transcript = named("note-3.8-extra-line-end")
        assert transcript.wire == wire(transcript.steps, echo=True)
        assert transcript.wire is not None
        assert len(transcript.wire) == 29
        assert Blank() in transcript.steps

    def test_a_blank_at_the_end_of_a_line_is_kept(self) -> None:
        """The trailing blank that a device printed survives loading."""
        assert named("device-address-with-trailing-blank").received[0].endswith('" ')

    def test_every_variant_is_played(self) -> None:
        """Each firmware switch has a transcript in which it is not at its default."""
        played = {name for transcript in all_transcripts() for name in transcript.variants}
        assert played == set(VARIANTS)

    def test_readme_names_the_vocabulary(self) -> None:
        """Every fact and every kind of event that the loader takes is explained."""
        readme = (DIRECTORY / "README.md").read_text(encoding="utf-8")
        assert [fact for fact in sorted(FACTS) if f"`{fact}`" not in readme] == []
        assert [event for event in EVENTS if event.split(" ")[0] not in readme] == []


class TestLoader:
    """tests/transcript.py."""

    def test_steps_are_typed(self) -> None:
        """Each kind of line becomes its own kind of step."""
        text = HEADER + "> AT+CSODSEND=0,1\n<! 0D0A 3E20\n>! FF\n< DATA ACCEPT: 1\n<\n# event: peer 0 sends 31\n"
        transcript = parse(text, name="t")
        assert transcript.steps == (
            Sent("AT+CSODSEND=0,1"),
            RawReceived(b"\r\n> "),
            RawSent(b"\xff"),
            Received("DATA ACCEPT: 1"),
            Blank(),
            Event(("peer", "0", "sends", "31")),
        )
        assert wire(transcript.steps) == b"\r\n> \r\nDATA ACCEPT: 1\r\n\r\n"
        sent = transcript.steps[0]
        assert isinstance(sent, Sent)
        assert sent.line == 4

    def test_defaults(self) -> None:
        """What is not given is as the README says."""
        transcript = parse(HEADER + "< RDY\n", name="t")
        assert (transcript.echo, transcript.attached, transcript.judges_emulator) == (False, True, True)
        assert transcript.settings["model"] == "sim7020e"
        assert transcript.facts == {}

    def test_exchanges(self) -> None:
        """What comes before the first command has the empty one; a command may have no answer."""
        transcript = parse(HEADER + "< RDY\n> AT\n> AT\n< OK\n< +CPIN: READY\n", name="t")
        assert list(transcript.exchanges()) == [("", ("RDY",)), ("AT", ()), ("AT", ("OK", "+CPIN: READY"))]

    @pytest.mark.parametrize(
        ("text", "given"),
        [
            ("model=sim7020g", Setting("model", "sim7020g")),
            ("set operator=A B", Setting("operator", "A B")),
            ("variant csocon_failure=error+csoerr", Variant("csocon_failure", "error+csoerr")),
            ("dns a.example=192.0.2.1,192.0.2.2", Dns("a.example", ("192.0.2.1", "192.0.2.2"))),
            ("dns a.example=fail:8", Dns("a.example", (), 8)),
            ("ping 192.0.2.1=11,lost@52", Ping("192.0.2.1", (11, None), 52)),
            ("peer udp 192.0.2.1:5005", Peer("udp", "192.0.2.1", 5005)),
            ("fail 192.0.2.1:80=-1@send", Fail("192.0.2.1", 80, -1, "send")),
        ],
    )
    def test_givens_are_typed(self, text: str, given: Given) -> None:
        """Each kind of given becomes its own value."""
        assert parse_given(text) == given

    def test_givens_by_kind(self) -> None:
        """A transcript sorts what is given."""
        transcript = parse(
            HEADER + "# given: echo=on\n# given: set rssi=5\n# given: variant dns=sync\n# given: dns a=192.0.2.1\n"
            "# given: ping 192.0.2.1=1@2\n# given: peer tcp 192.0.2.1:1\n# given: fail 192.0.2.1:2=3@connect\n< RDY\n",
            name="t",
        )
        assert transcript.echo
        assert transcript.facts == {"rssi": "5"}
        assert transcript.variants == {"dns": "sync"}
        assert [len(kind) for kind in (transcript.dns, transcript.pings, transcript.peers, transcript.failures)] == [
            1
        ] * 4

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param(HEADER + "OK\n", r"^t\.at:4: a line must begin", id="no mark"),
            pytest.param(HEADER + "< RDY\n\n>AT\n", r"^t\.at:6: a line must begin", id="no blank after mark"),
            pytest.param(HEADER + "<  \n", r"^t\.at:4: a blank line", id="blank line spelt wrong"),
            pytest.param(HEADER + "> \n", r"^t\.at:4: a command is missing", id="no command"),
            pytest.param(HEADER + "< \u201d\n", r"^t\.at:4: only printable ASCII", id="typographic quote"),
            pytest.param(HEADER + "< a\tb\n", r"^t\.at:4: only printable ASCII", id="tab"),
            pytest.param(HEADER + ">! 0\n", r"^t\.at:4: not pairs of hex", id="half a byte"),
            pytest.param(HEADER + "<!\n", r"^t\.at:4: no bytes", id="no bytes"),
            pytest.param(HEADER + "# colour: red\n", r"^t\.at:4: 'colour' is none of", id="unknown key"),
            pytest.param(HEADER + "#given: echo=on\n", r"^t\.at:4: a comment must read", id="comment without blank"),
            pytest.param(HEADER + "< RDY\n# given: echo=on\n", r"^t\.at:5: .*before the first step", id="late"),
            pytest.param(HEADER + "# what: again\n", r"^t\.at:4: .*only once", id="twice"),
            pytest.param("# source: a\n# what: b\n< RDY\n", r"^t\.at:1: '# fidelity:' is missing", id="no fidelity"),
            pytest.param(HEADER.replace("composed", "hearsay") + "< RDY\n", r"^t\.at:1: fidelity", id="fidelity"),
            pytest.param(HEADER + "# judges: nobody\n< RDY\n", r"^t\.at:1: judges", id="judges"),
            pytest.param(HEADER + "> AT\n", r"^t\.at:1: the module says nothing", id="silent"),
            pytest.param(HEADER + "# bytes: 4F4B\n< OK\n", r"^t\.at:1: '# bytes:' differ", id="bytes differ"),
            pytest.param(HEADER + "# given: dns a=b\n", r"^t\.at:4: not an IP address: 'b'", id="address"),
            pytest.param(HEADER + "# event: peer 0 sings\n", r"^t\.at:4: no such event", id="event"),
        ],
    )
    def test_malformed(self, text: str, message: str) -> None:
        """A malformed file is an error that names the line."""
        with pytest.raises(ValueError, match=message):
            parse(text, name="t")

    @pytest.mark.parametrize(
        "text",
        [
            "echo=maybe", "colour=red", "echo", "set weather=fine", "set rssi", "variant dns=never", "variant odd=yes",
            "dns a=fail:x", "ping 192.0.2.1=1", "ping 192.0.2.1=x@1", "ping 192.0.2.1=1@x", "peer sctp 192.0.2.1:1",
            "peer udp 192.0.2.1", "peer udp 192.0.2.1:x", "fail 192.0.2.1:1=3", "fail 192.0.2.1:1=x@send",
        ],
    )  # fmt: skip
    def test_unknown_given(self, text: str) -> None:
        """What is not of the vocabulary is refused."""
        with pytest.raises(ValueError, match=r".+"):
            parse_given(text)

    def test_every_value_of_every_variant(self) -> None:
        """Each firmware switch takes each of its values."""
        for name, values in VARIANTS.items():
            assert len(values) == len(set(values)) >= 2
            assert [parse_given(f"variant {name}={value}") for value in values] == [Variant(name, v) for v in values]

    def test_event_that_sets_a_fact(self) -> None:
        """A fact set by an event must exist and may have blanks in its value."""
        assert parse_event("set operator=A B").words == ("set", "operator=A B")
        assert parse_event("wait 0.2").text == "wait 0.2"
        with pytest.raises(ValueError, match="none of the facts"):
            parse_event("set weather=fine")

    def test_any_stands_for_something(self) -> None:
        """The wildcard takes one character or more and nothing else is a pattern."""
        line = Received("+CCLK: 20/03/20,15:34:{ANY}+32")
        assert line.matches("+CCLK: 20/03/20,15:34:33+32")
        assert not line.matches("+CCLK: 20/03/20,15:34:+32")
        assert not Received("+CSQ: .").matches("+CSQ: 5")

    def test_load_names_the_file(self, tmp_path: Path) -> None:
        """The error of a file that is malformed begins with its name."""
        path = tmp_path / "odd.at"
        path.write_text("what?\n", encoding="utf-8")
        with pytest.raises(ValueError, match=r"^odd\.at:1: "):
            load(path)
