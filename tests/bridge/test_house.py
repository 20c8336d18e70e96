"""What no linter holds: dependencies, locks, scripts and documents say the same thing."""

import ast
import importlib
import json
import os
import re
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sim7020_bridge.config.load import load

ROOT = Path(__file__).resolve().parents[2]
BRIDGE = ROOT / "bridge" / "sim7020_bridge"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = tuple(Requirement(line) for line in PROJECT["project"]["dependencies"])
CBOR = tuple(Requirement(line) for line in PROJECT["project"]["optional-dependencies"]["cbor"])
DEMO = tuple(Requirement(line) for line in PROJECT["project"]["optional-dependencies"]["demo"])
COAP = tuple(Requirement(line) for line in PROJECT["project"]["optional-dependencies"]["coap"])
OSCORE = tuple(Requirement(line) for line in PROJECT["project"]["optional-dependencies"]["oscore"])
GROUPS = PROJECT["dependency-groups"]
LOCKS = sorted(path.stem for path in (ROOT / "requirements").glob("*.txt"))
OF_GROUPS = sorted(set(LOCKS) - {"cbor", "coap", "demo", "dev", "oscore", "runtime"})

# Import package -> the file or folder of the bridge that knows it; rich draws what the terminal shows, in three places.
HOMES = {
    "aiocoap": ("coap/messages.py", "coap/sealing.py"),
    "cbor2": ("mqtt/cbor.py",),
    "click": ("cli/",),
    "microdot": ("http/app.py",),
    "paho": ("mqtt/client.py", "mqtt/packets.py", "mqtt/paho_client.py"),
    "rich": ("cli/", "demo/view.py", "kit/watch/screen.py"),
    "ruamel": ("config/load.py",),
    "serial": ("port/port.py",),
    "voluptuous": ("config/schema.py",),
}
OF_AIOCOAP = {"cryptography", "filelock"}
"""What nothing of the bridge imports but through aiocoap."""
OF_WEIGHT = 100
"""Lines of a file from which on whoever is new should be led to it."""
LONGEST_FILE = 450
"""Lines that one reads in a sitting."""
IMPORT_NAMES = {"paho-mqtt": "paho", "pyserial": "serial", "ruamel.yaml": "ruamel"}


def importers(package: str) -> Iterator[str]:
    """Name the files of the bridge that import a package."""
    for path in sorted(BRIDGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            match node:
                case ast.Import(names=names):
                    modules = [alias.name for alias in names]
                case ast.ImportFrom(module=str(module)):
                    modules = [module]
                case _:
                    continue
            if any(module.split(".")[0] == package for module in modules):
                yield path.relative_to(BRIDGE).as_posix()
                break


def pins(name: str) -> dict[str, str]:
    """Return what a lock file pins: canonical name to version."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    lines = re.finditer(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(line[1]): line[2] for line in lines}


def group(name: str) -> Iterator[Requirement]:
    """Yield a dependency group with the groups that it includes."""
    for entry in GROUPS[name]:
        if isinstance(entry, str):
            yield Requirement(entry)
        else:
            yield from group(entry["include-group"])


def import_name(requirement: Requirement) -> str:
    """Return the name that a distribution is imported by."""
    return IMPORT_NAMES.get(requirement.name, requirement.name)


def test_each_dependency_has_a_home() -> None:
    """No third-party package comes in without a place of its own."""
    assert set(HOMES) == {import_name(requirement) for requirement in (*RUNTIME, *CBOR, *COAP)}
    assert {requirement.name for requirement in OSCORE} == {"aiocoap", "cbor2", *OF_AIOCOAP}
    assert [*importers("cryptography"), *importers("filelock")] == []


@pytest.mark.parametrize(("package", "homes"), HOMES.items())
def test_dependencies_live_where_the_architecture_says(package: str, homes: tuple[str, ...]) -> None:
    """Only its home knows a package, so that replacing it is that place's work, and the architecture names the home."""
    files = list(importers(package))
    assert files
    assert [file for file in files if not file.startswith(homes)] == []
    architecture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for home in homes:
        assert f"`{home}`" in architecture


@pytest.mark.parametrize("requirement", [*RUNTIME, *CBOR, *COAP, *OSCORE, *DEMO], ids=lambda needed: needed.name)
def test_each_dependency_has_a_decision(requirement: Requirement) -> None:
    """Whoever meets a library finds the page that says why it is here."""
    titles = [path.read_text(encoding="utf-8").splitlines()[0] for path in (ROOT / "docs" / "decisions").glob("0*.md")]
    assert any(re.search(rf"\b{re.escape(requirement.name)}\b", title) for title in titles)


def test_decisions_are_numbered_without_gaps() -> None:
    """The file's number is the title's, and none is missing or used twice."""
    files = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    assert [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1))
    for number, path in enumerate(files, start=1):
        assert path.read_text(encoding="utf-8").startswith(f"# {number}. ")


@pytest.mark.parametrize(
    ("lock", "needs"),
    [
        ("runtime", [*RUNTIME]),
        ("cbor", [*RUNTIME, *CBOR]),
        ("coap", [*RUNTIME, *COAP]),
        ("demo", [*RUNTIME, *DEMO]),
        ("oscore", [*RUNTIME, *OSCORE]),
        ("dev", [*RUNTIME, *CBOR, *COAP, *OSCORE, *DEMO, *group("dev")]),
        *[(name, [*group(name)]) for name in OF_GROUPS],
    ],
)
def test_locks_hold_what_the_project_asks_for(lock: str, needs: list[Requirement]) -> None:
    """A requirement that was added or raised without script/lock is noticed here."""
    pinned = pins(lock)
    for requirement in needs:
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement


def test_the_build_system_is_in_the_locked_set() -> None:
    """The editable install builds without isolation, so its backend must be among what is locked."""
    asked = {Requirement(line).name for line in PROJECT["build-system"]["requires"]}
    assert asked <= set(pins("build"))


@pytest.mark.parametrize("lock", ["build", "cbor", "coap", "demo", "oscore", "runtime"])
def test_locks_agree_on_versions(lock: str) -> None:
    """What runs in the demo and in service is what was tested."""
    assert pins(lock).items() <= pins("dev").items()


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_name_hashes_and_no_registry(lock: str) -> None:
    """Every package is held to its hashes, and nothing says where it was fetched from."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    assert pins(lock)
    for entry in re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in entry
    assert "://" not in text
    assert not re.search(r"^\s*-[^-]|^--", text, re.MULTILINE)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_documents_name_scripts_that_exist(document: str) -> None:
    """A command that a document tells to run can be run."""
    text = (ROOT / document).read_text(encoding="utf-8")
    for command in set(re.findall(r"(?:script|\.ci)/[a-z]+(?:-[a-z]+)*", text)):
        assert os.access(ROOT / command, os.X_OK), command
    if document == "README.md":
        assert {"script/demo", "script/test"} <= set(re.findall(r"^script/[a-z-]+$", text, re.MULTILINE))


@pytest.mark.parametrize(
    "document", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    """A link to another file of the tree has that file at its end."""
    for target in re.findall(r"\]\((?!\w+://|#)([^)#\s]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_architecture_names_every_part() -> None:
    """A module or package that is new in the bridge is placed in the picture of it."""
    picture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    parts = {path.stem for path in BRIDGE.glob("*.py")} | {path.parent.name for path in BRIDGE.glob("*/__init__.py")}
    assert [part for part in sorted(parts - {"__init__"}) if f"`{part}`" not in picture] == []


def test_architecture_names_files_that_exist() -> None:
    """Whoever follows the page to a file finds it: in the room that the row is about, or where the path says."""
    picture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = "|".join(path.parent.name for path in (ROOT / "bridge").glob("*/*/__init__.py"))
    for row in re.finditer(rf"^\| `({rooms})` \|.*$", picture, re.MULTILINE):
        for name in re.findall(r"`(\w+\.py)`", row[0]):
            assert list((ROOT / "bridge").glob(f"*/{row[1]}/**/{name}")), f"{row[1]}/{name}"
    for name in re.findall(r"`(\w+/[\w/]+\.py)`", picture):
        assert [*(ROOT / "bridge").glob(f"*/{name}"), *ROOT.glob(name)], name


@pytest.mark.parametrize("package", ["sim7020_bridge", "sim7020_emulator"])
def test_architecture_leads_to_every_file_of_weight(package: str) -> None:
    """A row names each that is not short, or its folder, unless its room has a file for each of a kind."""
    picture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    picture = picture.split("## The emulator\n")[package == "sim7020_emulator"]
    rows = re.findall(r"^\| (`[^|]*) \|(.*)$", picture, re.MULTILINE)
    unnamed = []
    for path in sorted((ROOT / "bridge" / package).glob("*/**/*.py")):
        room, *folders, file = path.relative_to(ROOT / "bridge" / package).parts
        leads_to = [row for rooms, row in rows if f"`{room}`" in rooms]
        named = any(f"`{[*folders, file][0]}`" in row or "one file for each" in row for row in leads_to)
        if len(path.read_bytes().splitlines()) >= OF_WEIGHT and not named:
            unnamed.append(path.name)
    assert unnamed == []


@pytest.mark.parametrize(("package", "rooms"), [("sim7020_bridge", 22), ("sim7020_emulator", 13)])
def test_the_house_stays_small(package: str, rooms: int) -> None:
    """Few files lie in the hall, few names stand in the picture, and each file is read in a sitting."""
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract.get("containers") == [package]]
    assert len(list((ROOT / "bridge" / package).glob("*.py"))) <= 6
    assert sum(len(layer.split("|")) for layer in layers) <= rooms
    files = (ROOT / "bridge" / package).rglob("*.py")
    assert [file.name for file in files if len(file.read_bytes().splitlines()) > LONGEST_FILE] == []


def test_the_far_end_is_files_that_the_architecture_names() -> None:
    """It has no rooms, for it is small: each of its files has a line on the page, and is read in a sitting."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## The far end\n")[2]
    table = "".join(re.findall(r"^\| .*$", page.partition("\n## ")[0], re.MULTILINE))
    files = sorted((ROOT / "bridge" / "sim7020_far_end").rglob("*.py"))
    assert len(files) <= 16
    assert [file.stem for file in files if file.stem != "__init__" and f"`{file.stem}`" not in table] == []
    assert [file.name for file in files if len(file.read_bytes().splitlines()) > LONGEST_FILE] == []


@pytest.mark.parametrize("package", ["sim7020_bridge", "sim7020_emulator", "sim7020_far_end"])
def test_no_file_imports_itself_by_way_of_others(package: str) -> None:
    """Not within a room either, nor for its types alone, nor only where a function needs it."""
    root = ROOT / "bridge" / package
    files = {".".join(path.relative_to(root.parent).with_suffix("").parts): path for path in root.rglob("*.py")}
    imports = {}
    for name, path in files.items():
        named = [node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.ImportFrom)]
        used = {f"{node.module}.{alias.name}" for node in named for alias in node.names}
        imports[name] = (used | {str(node.module) for node in named}) & files.keys()
    TopologicalSorter(imports).prepare()


def test_the_readme_s_configuration_is_valid(tmp_path: Path) -> None:
    """Whoever starts from the README's example starts from a file that the bridge takes."""
    example = re.search(
        r"^```yaml\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert example
    (tmp_path / "mqtt").write_text("secret\n", encoding="utf-8")
    file = tmp_path / "bridge.yaml"
    file.write_text(example[1].replace("/run/secrets/mqtt", str(tmp_path / "mqtt")), encoding="utf-8")
    settings = load(file)
    assert [modem.name for modem in settings.modems] == ["shed"]
    assert settings.modems[0].sockets[0].send_topics == ("zigbee2mqtt/greenhouse/+",)


def test_hacs_json_has_known_keys_only() -> None:
    """HACS refuses a file with a key that it does not know."""
    known = {
        "name",
        "homeassistant",
        "hacs",
        "content_in_root",
        "zip_release",
        "filename",
        "hide_default_branch",
        "country",
        "persistent_directory",
        "render_readme",
    }
    content = json.loads((ROOT / "hacs.json").read_text(encoding="utf-8"))
    assert content["name"]
    assert set(content) <= known


@pytest.mark.parametrize("target", PROJECT["project"]["scripts"].values())
def test_console_scripts_resolve(target: str) -> None:
    """Each console script leads to something that can be called."""
    module, _, attribute = target.partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))
