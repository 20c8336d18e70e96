"""A configuration that is a text, such as what somebody types on the page."""

from itertools import pairwise
from pathlib import Path

import pytest

from sim7020_bridge.config.load import MAX_SIZE, read
from sim7020_bridge.errors import ConfigurationError
from tests.bridge.config.test_load import whole


def bomb(levels: int) -> str:
    """Return lists of which each has the one before eight times; the first is a."""
    names = "abcdefghijkl"
    return "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 8)}]\n" for before, name in pairwise(names[: levels + 1])
    )


def test_a_text_is_read_in_place_of_the_file(tmp_path: Path) -> None:
    """Files that it names are looked for beside the path, where no file need be, and lines are the text's."""
    file = tmp_path / "bridge.yaml"
    (tmp_path / "secret").write_text("word\n")
    text = whole("username: me, password_file: secret")
    assert read(file, text=text).settings.mqtt.password == "word"  # noqa: S105 - it comes from the file above
    file.write_text("other: 1\n")
    with pytest.raises(ConfigurationError) as caught:
        read(file, text=text.replace("/dev/ttyUSB0", "COM3").replace("\n", "\r\n"))
    (mistake,) = caught.value.mistakes
    assert (mistake.where, mistake.line) == ("modems.shed.port", 4)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: \ud800\n", id="a lone surrogate"),
        pytest.param("mqtt: \0\n", id="a zero byte"),
        pytest.param("[" * 100_000, id="nested"),
        pytest.param("a: &a [x,x,x,x,x,x,x,x]\n" + bomb(7), id="aliases"),
        pytest.param(f"modems: &m {{{', '.join(f'm{n}: *m' for n in range(1000))}}}\n", id="inside itself"),
        pytest.param("x" * (MAX_SIZE + 1), id="long"),
    ],
)
def test_a_text_that_nobody_would_write_is_one_mistake(tmp_path: Path, text: str) -> None:
    """It is told in words, before anything that it repeats is looked at."""
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path / "bridge.yaml", text=text)
    assert len(caught.value.mistakes) == 1
