"""The head of a transcript makes the emulator speak like the module that it is of."""

from pathlib import Path

import pytest

from sim7020_emulator.mistakes import Mistake
from sim7020_emulator.options import read_options

HEAD = """# source: somebody's module
# what: a dialogue
# given: model=sim7020g
# given: echo=off
# given: peer udp 198.51.100.7:5005
# given: set firmware=1910B03
# given: variant boot=matready
# given: variant dns=sync
# note: given: variant spacing=none
> AT
< OK
# given: variant cifsr=prefixed
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A transcript."""
    file = tmp_path / "module.at"
    file.write_text(HEAD)
    return file


def test_the_head_counts_and_the_dialogue_does_not(file: Path) -> None:
    """Model, facts and variants are taken; what belongs to that one dialogue, and what follows, is not."""
    setup = read_options(["--like", str(file)]).setup
    assert (setup.model.name, setup.facts.firmware) == ("SIM7020G", "1910B03")
    assert setup.variants.chosen == {"boot": "matready", "dns": "sync"}


def test_an_editor_may_have_touched_it(file: Path) -> None:
    """Whoever looked through it before sending may have left a byte order mark and other line ends."""
    file.write_bytes(b"\xef\xbb\xbf# source: x\r\n# given: variant dns=sync\r\n")
    assert read_options(["--like", str(file)]).setup.variants["dns"] == "sync"


def test_scenario_and_options_go_before_it(file: Path) -> None:
    """What is said by name is what counts."""
    scenario = file.with_name("other.toml")
    scenario.write_text('description = "other"\n[variant]\ndns = "urc"\n')
    options = ["--like", str(file), "--scenario", str(scenario), "--model", "sim7020c", "--variant", "boot=rdy"]
    setup = read_options([*options, "--set", "firmware=1752B07"]).setup
    assert (setup.model.name, setup.facts.firmware) == ("SIM7020C", "1752B07")
    assert (setup.variants["dns"], setup.variants["boot"]) == ("urc", "rdy")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing of the kind\n", "is no transcript: it has no line '# source: ...'"),
        ("# source: x\n# given: variant dns\n", "module.at:2: 'variant dns' has no value"),
        ("# source: x\n# given: variant dns=perhaps\n", "module.at: variant dns can't be 'perhaps'"),
        ("# source: x\n# given: set colour=red\n", "module.at: unknown fact 'colour'"),
        ("# source: x\n# given: model=sim800\n", "module.at: model can't be 'sim800'"),
    ],
)
def test_mistakes_are_told(file: Path, text: str, words: str) -> None:
    """What can't be used is said in a line."""
    file.write_text(text)
    with pytest.raises(Mistake) as caught:
        read_options(["--like", str(file)])
    assert words in str(caught.value)
    with pytest.raises(Mistake, match="No such file"):
        read_options(["--like", str(file.with_name("none"))])
