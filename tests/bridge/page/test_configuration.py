"""The configuration on the page: read, checked, written and put into force, and what keeps it from that."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest
from ruamel.yaml.scanner import Scanner

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.config.apart import MOST_MISTAKES, read_apart
from sim7020_bridge.config.load import read
from sim7020_bridge.config.model import Settings
from sim7020_bridge.errors import ConfigurationError, Mistake
from sim7020_bridge.page import configuration
from sim7020_bridge.page.administration_routes import made_routes
from sim7020_bridge.page.configuration import Configuration
from tests.bridge.page.served import served
from tests.bridge.page.turns import others_have_their_turn
from tests.web import Answer, get, post

TEXT = """\
# ours
mqtt: {host: broker.example.net, username: me, password: geheim}
state_dir: /var/lib/bridge
modems:
  shed:
    port: /dev/ttyUSB0
    pin: "0000"
    sockets: {data: {protocol: udp, host: 198.51.100.7, port: 5005}}
"""


@dataclass
class Bridge:
    """What stands behind the page: a file, and what of it is in force."""

    file: Path
    in_force: Settings
    port: int = 0
    reloads: int = 0
    mistakes: Sequence[Mistake] = field(default_factory=tuple)
    meanwhile: Callable[[], object] = lambda: None
    """What somebody does while a text is checked."""

    async def load(self, text: str) -> Settings:
        """Read a text in the file's place."""
        settings = await read_apart(self.file, text)
        self.meanwhile()
        return settings

    async def reload(self) -> Sequence[Mistake]:
        """Count."""
        self.reloads += 1
        return self.mistakes

    async def read(self) -> dict[str, object]:
        """Return what the page is told of the file."""
        answer = await get(self.port, "/api/configuration")
        assert answer.status == 200, answer
        document: dict[str, object] = answer.document()
        return document

    async def check(self, text: str) -> dict[str, Any]:
        """Return what is said of a text."""
        document: dict[str, Any] = (await post(self.port, "/api/configuration/check", {"text": text})).document()
        return document

    async def apply(self, text: str, version: object) -> Answer:
        """Write a text in place of a version."""
        return await post(self.port, "/api/configuration/apply", {"text": text, "version": version})

    async def keep(self, key: str, secret: str) -> Answer:
        """Have a secret kept in the file that a key names."""
        return await post(self.port, "/api/configuration/secret", {"key": key, "secret": secret})


@pytest.fixture
async def bridge(tmp_path: Path) -> AsyncIterator[Bridge]:
    """Serve the configuration of a bridge."""
    file = tmp_path / "bridge.yaml"
    file.write_text(TEXT)
    file.chmod(0o640)
    bridge = Bridge(file, read(file).settings)
    shown = Configuration(file, load=bridge.load, in_force=lambda: bridge.in_force, reload=bridge.reload)
    async with served(tmp_path, partial(made_routes, handlers=configuration.handlers(shown))) as bridge.port:
        yield bridge


async def test_read(bridge: Bridge) -> None:
    """The page has the text, knows where it is, whether it can be changed, and which keys are nobody's business."""
    document = await bridge.read()
    assert document["text"] == TEXT
    assert document["path"] == str(bridge.file)
    assert (document["writable"], document["problem"]) == (True, None)
    assert document["secrets"] == ["mqtt.password", "modems.shed.pin"]


async def test_check(bridge: Bridge) -> None:
    """Mistakes come with line and key; without any, the keys that were changed come, by what they take."""
    wrong = TEXT.replace("/dev/ttyUSB0", "COM3").replace('"0000"', '"12"').replace("5005", "0")
    assert await bridge.check(wrong) == {
        "mistakes": [
            {
                "line": 6,
                "key": "modems.shed.port",
                "message": "must be a path such as /dev/ttyUSB0, or socket://host:port, or rfc2217://host:port "
                "(got 'COM3')",
            },
            {"line": 7, "key": "modems.shed.pin", "message": "a PIN has 4 to 8 digits"},
            {
                "line": 8,
                "key": "modems.shed.sockets.data.port",
                "message": "must be a whole number from 1 to 65535 (got 0)",
            },
        ],
        "restart": [],
        "reload": [],
    }
    right = TEXT.replace("broker.example", "other.example").replace("5005", "5006")
    assert await bridge.check(right) == {
        "mistakes": [],
        "restart": ["mqtt.host"],
        "reload": ["modems.shed.sockets"],
    }
    assert bridge.file.read_text() == TEXT


async def test_apply(bridge: Bridge) -> None:
    """The text is in the file, whose mode is as it was, and is put into force; what needs a restart is told."""
    version = (await bridge.read())["version"]
    text = TEXT.replace("broker.example", "other.example")
    answer = await bridge.apply(text, version)
    assert (answer.status, answer.document()["restart"]) == (200, ["mqtt.host"])
    assert (bridge.file.read_text(), bridge.file.stat().st_mode & 0o777, bridge.reloads) == (text, 0o640, 1)
    assert (await bridge.read())["version"] == answer.document()["version"] != version


async def test_a_file_that_was_changed_meanwhile_is_kept(bridge: Bridge) -> None:
    """Nobody's work is written over, also if the file is gone."""
    version = (await bridge.read())["version"]
    bridge.file.write_text(f"{TEXT}# theirs\n")
    answer = await bridge.apply(TEXT, version)
    assert (answer.status, answer.code) == (409, "changed_meanwhile")
    assert bridge.file.read_text() == f"{TEXT}# theirs\n"
    bridge.file.unlink()
    assert (await bridge.apply(TEXT, version)).code == "changed_meanwhile"
    assert (bridge.file.exists(), bridge.reloads) == (False, 0)


async def test_a_file_that_is_changed_while_the_text_is_checked(bridge: Bridge) -> None:
    """Checking a long text takes many seconds, in which others may write, too."""
    version = (await bridge.read())["version"]
    bridge.meanwhile = partial(bridge.file.write_text, f"{TEXT}# theirs\n")
    answer = await bridge.apply(f"{TEXT}# ours\n", version)
    assert (answer.status, answer.code) == (409, "changed_meanwhile")
    assert (bridge.file.read_text(), bridge.reloads) == (f"{TEXT}# theirs\n", 0)


@pytest.mark.parametrize("gone", [False, True])
async def test_a_file_that_is_changed_while_it_is_written(bridge: Bridge, *, gone: bool) -> None:
    """A slow disk takes seconds, in which others may save, too; what the page wrote until then is gone."""
    version = (await bridge.read())["version"]

    def saved(_descriptor: int) -> None:
        bridge.file.unlink()
        if not gone:
            bridge.file.write_text(f"{TEXT}# theirs\n")

    with patch("os.fsync", saved):
        answer = await bridge.apply(f"{TEXT}# ours\n", version)
    assert (answer.status, answer.code) == (409, "changed_meanwhile")
    assert bridge.reloads == 0
    assert [each.read_text() for each in bridge.file.parent.iterdir()] == ([] if gone else [f"{TEXT}# theirs\n"])


async def test_a_text_with_mistakes_is_not_written(bridge: Bridge) -> None:
    """They are told as the check tells them."""
    answer = await bridge.apply("mqtt: 1\n", (await bridge.read())["version"])
    assert (answer.status, answer.code) == (422, "mistakes")
    assert answer.document()["mistakes"][0]["key"] == "mqtt"
    assert (bridge.file.read_text(), bridge.reloads) == (TEXT, 0)


async def test_what_is_not_in_force_is_told(bridge: Bridge) -> None:
    """The bridge reads it itself; should it find mistakes, they are told with what became of the file."""
    bridge.mistakes = [Mistake("mqtt.password_file", "must be a file", source="SIM7020_MQTT__PASSWORD_FILE")]
    answer = await bridge.apply(f"{TEXT}# more\n", (await bridge.read())["version"])
    assert (answer.status, answer.code) == (422, "not_in_force")
    assert answer.document()["mistakes"] == [
        {"line": None, "key": "mqtt.password_file", "message": "SIM7020_MQTT__PASSWORD_FILE: must be a file"}
    ]


async def test_a_file_that_can_t_be_written(bridge: Bridge) -> None:
    """Its reason is on the page before anybody types, and in the answer."""
    version = (await bridge.read())["version"]
    with patch("os.access", lambda path, _: Path(path) == bridge.file.parent):
        document = await bridge.read()
        assert (document["writable"], document["problem"]) == (False, "this user may not write to it")
        answer = await bridge.apply(f"{TEXT}# more\n", version)
    assert (answer.status, answer.code) == (409, "not_written")
    assert "this user may not write to it" in answer.document()["message"]
    assert (bridge.file.read_text(), bridge.reloads) == (TEXT, 0)


async def test_line_ends_and_the_mark_at_the_beginning_stay(bridge: Bridge) -> None:
    """Browsers know neither, and an editor under Windows wants both."""
    bridge.file.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    document = await bridge.read()
    assert document["text"] == TEXT.replace("\n", "\r\n")
    assert (await bridge.apply(f"{TEXT}# möre\n", document["version"])).status == 200
    assert bridge.file.read_bytes() == b"\xef\xbb\xbf" + f"{TEXT}# möre\n".replace("\n", "\r\n").encode()


KEPT_APART = """\
mqtt: {host: broker.example.net, username: me, password_file: mqtt-password}
state_dir: /var/lib/bridge
modems:
  shed: {port: /dev/ttyUSB0, pin_file: sim-pin, apn: a, apn_username: u, apn_password_file: apn-password}
"""


def keep_apart(bridge: Bridge) -> None:
    """Have a configuration in force whose secrets are in files."""
    for name, secret in (("mqtt-password", "wrong"), ("sim-pin", "0000"), ("apn-password", "old")):
        bridge.file.with_name(name).write_text(f"{secret}\n")
    bridge.file.write_text(KEPT_APART)
    bridge.in_force = read(bridge.file).settings


@pytest.mark.parametrize(
    ("key", "name", "secret"),
    [
        ("mqtt.password_file", "mqtt-password", "gehéim \t'\""),
        ("modems.shed.pin_file", "sim-pin", "1234"),
        ("modems.shed.apn_password_file", "apn-password", "new"),
    ],
)
async def test_a_secret_is_replaced(
    bridge: Bridge, caplog: pytest.LogCaptureFixture, key: str, name: str, secret: str
) -> None:
    """Its file has the new one, and is its owner's alone; it is put into force, and what needs a restart is told."""
    keep_apart(bridge)
    file = bridge.file.with_name(name)
    file.chmod(0o644)
    assert {"key": key, "file": name} in cast("list[object]", (await bridge.read())["secret_files"])
    answer = await bridge.keep(key, secret)
    assert (answer.status, answer.document()) == (200, {"restart": [key.removesuffix("_file")]})
    assert (file.read_text(), file.stat().st_mode & 0o777, bridge.reloads) == (f"{secret}\n", 0o600, 1)
    assert (bridge.file.read_text(), len([*bridge.file.parent.glob(".*")])) == (KEPT_APART, 0)
    assert secret not in f"{await bridge.read()}{caplog.text}"
    bridge.in_force = read(bridge.file).settings
    assert (await bridge.keep(key, secret)).document() == {"restart": []}


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("mqtt.password_file", ""),
        ("mqtt.password_file", "two\nlines"),
        ("mqtt.password_file", "two lines\r"),
        ("mqtt.password_file", "zero\0byte"),
        ("mqtt.password_file", "\ud800"),
        ("mqtt.password_file", "x" * 4096),
        ("mqtt.password_file", "ü" * 2048),
        ("modems.shed.pin_file", "12"),
        ("modems.shed.pin_file", "1234\n"),
        ("modems.shed.apn_password_file", "with a blank"),
    ],
)
async def test_a_secret_that_won_t_do(bridge: Bridge, key: str, secret: str) -> None:
    """It is refused in words that do not have it, and what was there stays."""
    keep_apart(bridge)
    before = {file.name: file.read_bytes() for file in bridge.file.parent.iterdir() if file.is_file()}
    answer = await bridge.keep(key, secret)
    assert (answer.status, answer.code, bridge.reloads) == (422, "wrong_value", 0)
    assert not secret or secret not in answer.document()["message"]
    assert {file.name: file.read_bytes() for file in bridge.file.parent.iterdir() if file.is_file()} == before
    assert (await bridge.keep(key, "x" * 20_000)).status == 413


@pytest.mark.parametrize(
    "named", ["../other", "/etc/hostname", "folder/mqtt-password", "bridge.yaml", "a-link", "a-folder", "..", '"\\0"']
)
async def test_only_files_that_are_secrets_beside_it(bridge: Bridge, named: str) -> None:
    """Neither what lies elsewhere nor the configuration is written, nor what a link leads to, whatever it says."""
    keep_apart(bridge)
    bridge.file.with_name("a-link").symlink_to("sim-pin")
    bridge.file.with_name("a-folder").mkdir()
    text = KEPT_APART.replace("mqtt-password", named)
    bridge.file.write_text(text)
    files = cast("list[dict[str, str]]", (await bridge.read())["secret_files"])
    assert {each["file"] for each in files} == {"sim-pin", "apn-password"}
    for key in ("mqtt.password_file", "modems.shed.port", "http.password_file", "modems", ""):
        answer = await bridge.keep(key, "new")
        assert (answer.status, answer.code) == (409, "no_such_secret")
    assert (bridge.file.read_text(), bridge.file.with_name("sim-pin").read_text()) == (text, "0000\n")


async def test_a_secret_that_can_t_be_written_and_one_that_is_not_in_force(bridge: Bridge) -> None:
    """The reason is told, and in the first case the old one is there."""
    keep_apart(bridge)
    with patch("pathlib.Path.replace", side_effect=OSError(30, "Read-only file system")):
        answer = await bridge.keep("mqtt.password_file", "new")
    assert (answer.status, answer.code) == (409, "not_written")
    assert bridge.file.with_name("mqtt-password").read_text() == "wrong\n"
    bridge.mistakes = [Mistake("modems", "won't do")]
    answer = await bridge.keep("mqtt.password_file", "new")
    assert (answer.status, answer.code) == (422, "not_in_force")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"a: \xff\n", "the file is not UTF-8 text"), (b"#" * (1024 * 1024 + 1), "the file has more than 1048576 bytes")],
)
async def test_a_file_that_can_t_be_shown(bridge: Bridge, content: bytes, words: str) -> None:
    """The page says why."""
    bridge.file.write_bytes(content)
    answer = await get(bridge.port, "/api/configuration")
    assert (answer.status, answer.code, answer.document()["message"]) == (409, "unreadable", words)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\ufeff" + TEXT, id="a mark at the beginning"),
        pytest.param("a: \ud800", id="a lone surrogate"),
        pytest.param("mqtt: \0", id="a zero byte"),
        pytest.param("\tmqtt: 1", id="a tab"),
        pytest.param("[" * 50_000, id="nested"),
        pytest.param("[" * 4_000, id="nested in few bytes"),
        pytest.param("a: " + "[" * 2_000 + "]" * 2_000, id="nested to its end"),
        pytest.param("{a: " * 2_000, id="nested mappings"),
        pytest.param("- " * 4_000, id="nested items"),
        pytest.param("[\n" * 4_000, id="nested line by line"),
        pytest.param("- &a [x]\n" + "".join(f"- &a{n} [*a, *a, *a, *a]\n" for n in range(2000)), id="aliases"),
        pytest.param("".join(f"key{n}: 1\n" for n in range(4000)), id="mistakes"),
        pytest.param("modems: {" + ", ".join(f"m{n}: 1" for n in range(4000)) + "}", id="modems"),
        pytest.param("k" * 100_000 + ": 1", id="a long key"),
        pytest.param("# x\n" * 50_000 + TEXT, id="200 kB"),
        pytest.param(3, id="a number"),
        pytest.param(None, id="nothing"),
    ],
)
async def test_whatever_is_typed_blocks_nobody(bridge: Bridge, text: object) -> None:
    """It is answered, briefly, and meanwhile the event loop never computes for long."""
    with others_have_their_turn():
        answer = await post(bridge.port, "/api/configuration/check", {"text": text})
    if isinstance(text, str):
        assert answer.status == 200
        assert len(answer.document()["mistakes"]) <= MOST_MISTAKES
        assert len(answer.body) < 100_000
    else:
        assert (answer.status, answer.code) == (400, "incomplete")


@pytest.mark.parametrize("text", ["[" * 4000, "{a: " * 2000, "[\n" * 4000, "- " * 4000, "? " * 4000])
def test_deep_texts_are_given_up_early(tmp_path: Path, text: str) -> None:
    """What no configuration has is a mistake before all of it is read, wherever it is read."""
    tokens = 0
    fetch = Scanner.fetch_more_tokens

    def counted(scanner: Scanner) -> None:
        nonlocal tokens
        tokens += 1
        fetch(scanner)

    with (
        patch.object(Scanner, "fetch_more_tokens", counted),
        pytest.raises(ConfigurationError, match="nested too deeply"),
    ):
        read(tmp_path / "bridge.yaml", text=text)
    # YAML itself looks 1,024 characters ahead for the colon of a key
    assert tokens <= 1024 + 2 * 32


async def test_a_long_file_is_read_apart(bridge: Bridge) -> None:
    """Its secrets are told as those of a short one are, and nobody waits for that."""
    bridge.file.write_text("# x\n" * 50_000 + TEXT)
    with patch("sim7020_bridge.config.apart.in_a_thread", side_effect=in_a_thread) as here:
        document = await bridge.read()
    assert document["secrets"] == ["mqtt.password", "modems.shed.pin"]
    assert [call.args[0].func.__name__ for call in here.call_args_list] == ["loads"]


async def test_texts_wait_for_each_other(bridge: Bridge) -> None:
    """One is read at a time, few wait, and whoever comes beyond is told to come again."""
    long = "# x\n" * 5_000 + TEXT
    answers = await asyncio.gather(
        *(post(bridge.port, "/api/configuration/check", {"text": long}) for _ in range(configuration.MOST_WAITING + 2))
    )
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200] * configuration.MOST_WAITING + [429] * 2
    assert (await bridge.check(TEXT))["mistakes"] == []


async def test_a_text_that_takes_too_long_is_given_up(bridge: Bridge) -> None:
    """It is one mistake, and the next one is read."""
    topics = ", ".join(f"a{n}/+" for n in range(20_000))
    with patch("sim7020_bridge.config.apart.PATIENCE", 2.0):
        document = await bridge.check(TEXT.replace("port: 5005", f"port: 5005, send_topics: [{topics}]"))
    (mistake,) = document["mistakes"]
    assert "to read it takes more than 2 s" in mistake["message"]
    assert (await bridge.check(TEXT))["mistakes"] == []


@pytest.mark.parametrize("number", [300, 5000])
async def test_many_mistakes(bridge: Bridge, number: int) -> None:
    """As many are told as somebody reads, and how many more there are, wherever the text is read."""
    mistakes = (await bridge.check("".join(f"k{n}: 1\n" for n in range(number))))["mistakes"]
    assert len(mistakes) == MOST_MISTAKES
    # each of these keys, and two that are missing
    assert mistakes[-1] == {"line": None, "key": "", "message": f"and {number + 2 - MOST_MISTAKES + 1} more mistakes"}
