"""Every fenced block of every page is what it says: configurations load, command lines parse, documents validate."""

import ast
import json
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import pytest
from ruamel.yaml import YAML

from sim7020_bridge.cli import main
from sim7020_bridge.config.load import load
from sim7020_bridge.modem.alerts import AlertId
from sim7020_emulator.emulator import Options
from sim7020_emulator.options import read_options, read_order
from sim7020_far_end.configuration import load as load_far_end
from tests import contract_check
from tests.docs.pages import BLOCKS, BY_HAND, ROOT, Block, commands, of

CONTRACT_BASE: Final = {"base": "sim7020", "modem": "shed"}
CHECKED: Final = {"yaml", "sh", "console", "json", "toml", "python", "acl", "conf", "ini"}
DRAWINGS: Final = {
    "docs/architecture.md": 6,
    "docs/delivery.md": 1,
    "docs/scale.md": 1,
    "docs/tested.md": 1,
}
"""Blocks without a language: pictures in characters and a file, with nothing to type."""

FOREIGN: Final = frozenset(
    {
        *(
            "apt-get",
            "bash",
            "cat",
            "cd",
            "git",
            "install",
            "journalctl",
            "ls",
            "openssl",
            "picocom",
            "python3",
            "tee",
            "touch",
            "umask",
        ),
        *("docker", "mosquitto", "mosquitto_passwd", "mosquitto_pub", "mosquitto_sub", "ncat", "socat"),
        *("systemctl", "systemd-sysusers", "systemd-tmpfiles", "udevadm"),
    }
)
"""Programs that are not ours and that a page may name."""

BEFORE_MODEM: Final = "mqtt: {host: localhost}\nmodems:\n  shed:\n    port: /dev/ttyUSB0\n"
TOP: Final = {"mqtt", "modems", "state_dir", "logging", "http", "shutdown_timeout", "home_assistant_discovery"}


def test_every_block_says_what_it_is() -> None:
    """A block has a language that is checked here, or a reason, or is a known drawing."""
    drawings: dict[str, int] = {}
    for block in BLOCKS:
        if not block.language:
            drawings[block.page] = drawings.get(block.page, 0) + 1
        else:
            assert block.language in CHECKED, f"{block} has the language {block.language}"
    assert drawings == DRAWINGS


def test_what_is_not_run_is_little_and_has_a_reason() -> None:
    """Blocks that are left out say why; `pytest -s` lists them."""
    left_out = [block for block in BLOCKS if block.reason]
    for block in left_out:
        print(f"{block} is not run: {block.reason}")  # noqa: T201 - the list is for whoever runs the test
    print(f"{len(left_out)} of {len(BLOCKS)} blocks are not run")  # noqa: T201 - the same
    assert len(left_out) * 4 < len(BLOCKS)
    assert all(len(block.reason.split()) > 3 for block in left_out)


def is_tried(block: Block) -> bool:
    """Say whether a test of this folder does more with a block than look at it."""
    if block.language == "ini":
        return False
    if block.language not in {"sh", "console"} or block in BY_HAND:
        return True
    ours = {"sim7020-bridge", "sim7020-emulator", "mosquitto_pub"}
    return all(
        Path(command[0]).name in ours or command[0].startswith(("script/", "packaging/")) for command in commands(block)
    )


def test_what_no_test_tries_says_why() -> None:
    """Commands for the system, which a test must not run, have the reason before them; all others have none."""
    silent = [str(block) for block in BLOCKS if block.language and not is_tried(block) and not block.reason]
    needless = [str(block) for block in BLOCKS if block.reason and is_tried(block)]
    assert (silent, needless) == ([], [])


def whole(text: str) -> str:
    """Complete a part of a configuration: what belongs to a modem goes below one."""
    keys = set(YAML(typ="safe").load(text))
    if not keys & TOP:
        return BEFORE_MODEM + re.sub(r"^(?=.)", "    ", text, flags=re.MULTILINE)
    if "mqtt" not in keys:
        return BEFORE_MODEM + text
    return text if "modems" in keys else text + BEFORE_MODEM.partition("\n")[2]


def with_files(text: str, directory: Path) -> str:
    """Put a file where the configuration names one."""

    def made(match: re.Match[str]) -> str:
        file = directory / Path(match[2]).name
        file.write_text(f"{16 * 'ab'}\n" if match[1].startswith("secret_file") else "secret\n")
        file.chmod(0o600)
        return f"{match[1]}{file}"

    program = directory / "usb-power"
    program.touch(mode=0o755)
    return re.sub(r"(\b\w+_file: )([^\s,}]+)", made, text).replace("/usr/local/bin/usb-power", str(program))


FAR_ENDS: Final = [block for block in of("yaml") if "oscore:" in block.text and "sockets:" not in block.text]
CONFIGURATIONS: Final = [block for block in of("yaml") if "triggers:" not in block.text and block not in FAR_ENDS]
AUTOMATIONS: Final = [block for block in of("yaml") if "triggers:" in block.text]


@pytest.mark.parametrize("block", CONFIGURATIONS, ids=str)
def test_configurations_load(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bridge takes each, or takes it as a part of one."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    file = tmp_path / "bridge.yaml"
    file.write_text(with_files(whole(block.text), tmp_path))
    assert load(file).modems


@pytest.mark.parametrize("block", FAR_ENDS, ids=str)
def test_far_ends_load(block: Block, tmp_path: Path) -> None:
    """The far end takes each."""
    file = tmp_path / "far-end.yaml"
    file.write_text(with_files(block.text, tmp_path))
    assert load_far_end(file).modems


@pytest.mark.parametrize("block", AUTOMATIONS, ids=str)
def test_automations_have_the_form_that_home_assistant_wants(block: Block) -> None:
    """Triggers, conditions and actions, each of a kind, about entities and actions that have a name.

    An event entity's state also changes when it comes back, and so it is no trigger.
    """
    automation = YAML(typ="safe").load(block.text)
    assert set(automation) <= {"alias", "triggers", "conditions", "actions", "mode", "variables"}
    described = YAML(typ="safe").load((ROOT / "custom_components" / "sim7020" / "triggers.yaml").read_text())
    known = {"state", "time_pattern", "event", *(f"sim7020.{name}" for name in described if not name.startswith("."))}
    assert {trigger["trigger"] for trigger in automation["triggers"]} <= known
    states = [trigger["entity_id"] for trigger in automation["triggers"] if trigger["trigger"] == "state"]
    assert not any(entity.startswith("event.") for entity in states)
    assert all(condition["condition"] in {"state", "template"} for condition in automation.get("conditions", []))
    assert all(re.fullmatch(r"[a-z0-9_]+\.[a-z_0-9]+", action["action"]) for action in automation["actions"])
    for entity in re.findall(r"entity_id: (\S+)", block.text):
        assert re.fullmatch(r"[a-z_]+\.[a-z_0-9]+", entity)


SHELL: Final = of("sh", "console")
COMMANDS: Final = [(block, command) for block in SHELL for command in commands(block)]


def named(program: str) -> list[Any]:
    """Return the commands of one of our programs as parameters."""
    return [
        pytest.param(command[1:], id=f"{block} {' '.join(command[1:])}")
        for block, command in COMMANDS
        if Path(command[0]).name == program
    ]


def parse(arguments: list[str]) -> None:
    """Let click read a command line without running it."""
    _descend(click.Context(main), main, arguments)


def _descend(parent: click.Context, group: click.Group, arguments: list[str]) -> None:
    name, command, rest = group.resolve_command(parent, arguments)
    assert command is not None, name
    if isinstance(command, click.Group):
        _descend(click.Context(command, parent=parent), command, rest)
    else:
        command.make_context(name, rest, parent=parent).close()


def placed(arguments: list[str], directory: Path) -> list[str]:
    """Put files where a command line reads one."""
    for argument in arguments:
        if re.fullmatch(r"[\w.-]+\.(at|cap|log|yaml)", argument):
            (directory / argument).touch()
    return arguments


@pytest.mark.parametrize("arguments", named("sim7020-bridge"))
def test_the_bridge_s_command_lines_parse(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is one that the program takes."""
    monkeypatch.chdir(tmp_path)
    if arguments == ["--version"]:
        assert "--version" in main.get_help(click.Context(main))
    else:
        parse(placed(arguments, tmp_path))


def subcommands(group: click.Group = main) -> Iterator[click.Command]:
    """Yield every subcommand, and theirs."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield command
        if isinstance(command, click.Group):
            yield from subcommands(command)


EXAMPLE: Final = r"^ *(?:Example:|Try .*:|Run .*:) +sim7020-bridge ([a-z]+.*)$"
EXAMPLES: Final = [
    pytest.param(shlex.split(example), id=example)
    for command in (main, *subcommands())
    for example in re.findall(EXAMPLE, command.help or "", re.MULTILINE)
]


@pytest.mark.parametrize("arguments", EXAMPLES)
def test_the_examples_of_the_help_parse(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `--help` shows is a command line that the program takes."""
    monkeypatch.chdir(tmp_path)
    assert len(EXAMPLES) > 15
    parse(placed(arguments, tmp_path))


IN_LINE: Final = [
    pytest.param(match[1], id=f"{page.relative_to(ROOT)} {match[1]}")
    for page in sorted({ROOT / block.page for block in BLOCKS})
    for match in re.finditer(r"`sim7020-bridge ((?:[a-z]+(?:-[a-z]+)* ?)+(?:--[a-z-]+)?)[^`]*`", page.read_text())
]


@pytest.mark.parametrize("arguments", sorted(IN_LINE, key=str))
def test_commands_in_a_line_exist(arguments: str) -> None:
    """What a sentence calls a subcommand is one, and has the option that follows."""
    command: click.Command = main
    context = click.Context(main)
    for word in arguments.split():
        if word.startswith("--"):
            options = [option for parameter in command.get_params(context) for option in parameter.opts]
            assert word in options, arguments
        elif isinstance(command, click.Group):
            found = command.get_command(context, word)
            assert found is not None, arguments
            command = found


@pytest.mark.parametrize("arguments", named("sim7020-emulator"))
def test_the_emulator_s_command_lines_parse(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is one that the program takes, or one that tells another what to do."""
    monkeypatch.chdir(tmp_path)
    Path("acceptance.at").write_text("# source: a module\n")
    if arguments == ["--scenarios"]:
        with pytest.raises(SystemExit) as ended:
            read_options(arguments)
        assert ended.value.code in {0, None}
    elif read_order(arguments) is None:
        assert isinstance(read_options(arguments), Options)


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_shell_blocks_name_programs_and_files_that_exist(block: Block) -> None:
    """Each command is one of ours, or another's that is known here; paths of the tree are there."""
    for command in commands(block):
        program = command[0]
        if "=" in program:
            continue
        name = Path(program).name
        if program.startswith(("script/", "packaging/", ".ci/")):
            assert os.access(ROOT / program, os.X_OK), command
        else:
            assert name in {"sim7020-bridge", "sim7020-emulator", "pip"} | FOREIGN, command
        for word in command[1:]:
            if word.startswith(("packaging/", "script/", "docs/", "tests/")):
                assert (ROOT / word).exists(), word


def scripts_options() -> Iterator[Any]:
    """Yield the options that pages give to our scripts."""
    for block, command in COMMANDS:
        if command[0].startswith("script/"):
            for word in command[1:]:
                if word.startswith("--"):
                    yield pytest.param(command[0], word, id=f"{block} {command[0]} {word}")


@pytest.mark.parametrize(("script", "option"), list(scripts_options()))
def test_scripts_know_their_options(script: str, option: str) -> None:
    """The script's own help names it, or that of the program that it calls."""
    text = (ROOT / script).read_text()
    if module := re.search(r"-m (tests(?:\.\w+)+)", text):
        program = ROOT / module[1].replace(".", "/")
        text += (program / "__main__.py" if program.is_dir() else program.with_suffix(".py")).read_text()
    if script == "script/demo":
        text += " ".join(main.get_command(click.Context(main), "demo").get_help(click.Context(main)).split())  # type: ignore[union-attr]
    assert option in text


PUBLISHED: Final = [
    pytest.param(command, id=f"{block} {' '.join(command)}")
    for block, command in COMMANDS
    if command[0] == "mosquitto_pub" and any(word.startswith("sim7020/") for word in command)
]


@pytest.mark.parametrize("command", PUBLISHED)
def test_what_is_published_keeps_to_the_contract(command: list[str]) -> None:
    """The topic is one for users, the payload fits its schema, and it is not retained."""
    topic = command[command.index("-t") + 1]
    row, names = contract_check.find(topic, **CONTRACT_BASE)
    assert row["published_by"] == "user"
    assert "-r" not in command
    if "-m" in command and row["schema"]:
        document = json.loads(command[command.index("-m") + 1])
        assert contract_check.problems(row["schema"].format(**names), document) == []


@pytest.mark.parametrize("block", of("json"), ids=str)
def test_documents_are_json(block: Block) -> None:
    """Each can be parsed."""
    assert json.loads(block.text)


@pytest.mark.parametrize("block", of("toml"), ids=str)
def test_scenarios_are_played(block: Block, tmp_path: Path) -> None:
    """The emulator takes each as a scenario."""
    assert tomllib.loads(block.text)["description"]
    file = tmp_path / "scenario.toml"
    file.write_text(block.text)
    assert isinstance(read_options(["--scenario", str(file)]), Options)


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_programs_compile(block: Block) -> None:
    """Each is Python; tests/docs/test_examples.py runs them."""
    assert ast.parse(block.text).body
    compile(block.text, str(block), "exec")


def test_every_alert_has_what_to_do() -> None:
    """The table of alerts leaves none out, and has none that there is not."""
    page = (ROOT / "docs/modem.md").read_text(encoding="utf-8")
    table = page.partition("| id | what to do |\n|---|---|\n")[2].partition("\n\n")[0]
    named = [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(AlertId)
