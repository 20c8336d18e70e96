"""From a YAML file and the environment to settings, or to every mistake: the only file that knows YAML."""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode
from ruamel.yaml.reader import ReaderError

from sim7020_bridge.config import environment as variables
from sim7020_bridge.config.checks import Problem, cross_check
from sim7020_bridge.config.keys import root
from sim7020_bridge.config.model import DEFAULT_PORT, DEFAULT_TLS_PORT, Settings
from sim7020_bridge.config.schema import SECRETS, Section, read_tree
from sim7020_bridge.config.state_directory import default_state_dir
from sim7020_bridge.errors import ConfigurationError, Mistake

MAX_SIZE = 1024 * 1024
MAX_VALUES = 500_000
"""Values of a file, each counted as often as aliases repeat it."""

_DEEPEST = 8
"""No key of a configuration is in so many mappings."""

_MOST_NESTED = 32
"""Values inside each other that a file may have; to read more takes a time that grows faster than they do."""

_MAX_SHOWN = 60
_SECRET_FILES = frozenset({"password_file", "pin_file", "apn_password_file"})
_CREDENTIALS = re.compile(r"//[^/@]*@")


class _Composer(Composer):
    """Gives up at what is nested too deeply, before the rest is read."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - what YAML has
        self._depth += 1
        try:
            if self._depth > _MOST_NESTED:
                raise ComposerError(problem="nested too deeply", problem_mark=self.parser.peek_event().start_mark)
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


@dataclass(frozen=True, slots=True)
class Reading:
    """A valid configuration, and where each part of it is from.

    Args:
        settings: What it says, with defaults.
        keys: The same as it was read, key by key, with defaults.
        section: What knows the keys.
        tree: What was given, by the file and the environment.
        given: What the environment gave of it.
    """

    settings: Settings
    keys: Mapping[str, Any]
    section: Section
    tree: Any
    given: variables.Given

    def line(self, path: tuple[object, ...]) -> int | None:
        """Return the line of the file that a key is on; None if it isn't in the file."""
        return _line(self.tree, path)


def load(path: Path, environment: Mapping[str, str] = os.environ, *, secrets: bool = True) -> Settings:
    """Read a configuration file and the environment; other files that they name are looked for beside it.

    Without ``secrets`` the settings may lack those whose files can't be read: they may be there only for the service.

    Raises:
        ConfigurationError: with every mistake, in the order of the file's lines.
    """
    return read(path, environment, secrets=secrets).settings


def read(
    path: Path, environment: Mapping[str, str] = os.environ, *, secrets: bool = True, text: str | None = None
) -> Reading:
    """Do the same, and keep where each part is from.

    A ``text`` is read as if it stood in the file, which need not be there.
    """
    tree, problems = _parse(path, _content(path, None if text is None else text.encode(errors="surrogatepass")))
    given = variables.given(environment, tree, _value)
    for where, variable in given.items():
        if not variables.put(tree, where, variable.value):
            problems.append(Problem(where, "there is no such key", quiet=True))
    section = root(path.parent)
    keys, more = _read_given(section, tree, given)
    lacking = [] if secrets else [problem.path for problem in more if not _SECRET_FILES.isdisjoint(problem.path[-1:])]
    if lacking:
        for where in lacking:
            _leave_out(tree, where)
        keys, more = _read_given(section, tree, given)
    problems += more
    if isinstance(tree, dict):
        problems += cross_check(tree)
    state_dir = keys.get("state_dir") or default_state_dir(environment)
    if state_dir is None and not problems:
        problems = [
            Problem(("state_dir",), "the key is needed here: the user that the bridge runs as has no home", quiet=True)
        ]
    if problems or state_dir is None:
        raise _all_wrong(path, tree, problems, given)
    keys["state_dir"] = state_dir
    keys["mqtt"].setdefault("port", DEFAULT_TLS_PORT if "tls" in keys["mqtt"] else DEFAULT_PORT)
    return Reading(section.build(keys), keys, section, tree, given)


def read_keys(
    path: Path, section: Section, cross_check: Callable[[Mapping[object, object]], Iterable[Problem]]
) -> dict[str, Any]:
    """Read a file of another program, whose keys a section knows, and nothing of the environment.

    Args:
        path: The file.
        section: Its keys.
        cross_check: Finds what is wrong between them.

    Raises:
        ConfigurationError: with every mistake, in the order of the file's lines.
    """
    tree, problems = _parse(path, _content(path, None))
    keys, more = read_tree(section, tree)
    problems += more
    if isinstance(tree, dict):
        problems += cross_check(tree)
    if problems:
        raise _all_wrong(path, tree, problems, {})
    return keys


def secrets_in(path: Path, text: str) -> Iterator[tuple[tuple[object, ...], object]]:
    """Yield the secrets that stand in a text itself, right or wrong: the way to each, and what the text has there.

    Raises:
        ConfigurationError: It is not YAML.
    """
    tree, _ = _parse(path, _content(path, text.encode(errors="surrogatepass")))
    yield from _secrets_below(tree, (), set())


def secret_files_in(path: Path, text: str) -> dict[str, str]:
    """Return the keys of a text that name a file with a secret, right beside the text's own, and the names of these.

    Neither a link is among them nor what is no file: whoever put those there sees to their content, too.

    Raises:
        ConfigurationError: It is not YAML.
    """
    tree, _ = _parse(path, _content(path, text.encode(errors="surrogatepass")))
    modems = _mapping(tree, "modems")
    named = [("mqtt", _mapping(tree, "mqtt"), "password_file")]
    for modem in modems:
        named += [(f"modems.{modem}", _mapping(modems, modem), key) for key in ("pin_file", "apn_password_file")]
    return {f"{where}.{key}": str(keys[key]) for where, keys, key in named if _is_beside(path, keys.get(key))}


def _mapping(tree: object, key: object) -> Mapping[Any, Any]:
    below = tree.get(key) if isinstance(tree, dict) else None
    return below if isinstance(below, dict) else {}


def _is_beside(path: Path, name: object) -> bool:
    if not isinstance(name, str) or name in {"", ".", "..", path.name} or "/" in name or "\0" in name:
        return False
    try:
        file = path.with_name(name)
        return not file.is_symlink() and (file.is_file() or not file.exists())
    except (OSError, ValueError):
        return False


def exposed(reading: Reading, path: Path) -> tuple[str, ...]:
    """Return the keys of a file whose values are secret, if others than its owner and group may read it."""
    try:
        if not path.stat().st_mode & stat.S_IROTH:
            return ()
    except OSError:
        return ()
    mqtt = ("mqtt", "password")
    modems = (("modems", name, key) for name in reading.keys["modems"] for key in ("pin", "apn_password"))
    return tuple(".".join(where) for where in (mqtt, *modems) if reading.line(where) is not None)


def _secrets_below(
    node: object, path: tuple[object, ...], seen: set[int]
) -> Iterator[tuple[tuple[object, ...], object]]:
    if not isinstance(node, dict) or id(node) in seen:
        return
    seen.add(id(node))
    for key, value in node.items():
        if key in SECRETS:
            yield (*path, key), value
        else:
            yield from _secrets_below(value, (*path, key), seen)


def _read_given(section: Section, tree: object, given: variables.Given) -> tuple[dict[str, Any], list[Problem]]:
    """Read a tree in which a variable may give as a text what YAML takes for a number or a mapping."""
    keys, problems = read_tree(section, tree)
    wrong = {problem.path for problem in problems if problem.path in given}
    for where in wrong:
        variables.put(tree, where, given[where].text)
    if wrong:
        keys, problems = read_tree(section, tree)
    still = wrong & {problem.path for problem in problems}
    for where in still:
        variables.put(tree, where, given[where].value)
    return read_tree(section, tree) if still else (keys, problems)


def _leave_out(tree: Any, where: tuple[object, ...]) -> None:  # noqa: ANN401 - what YAML has
    for key in where[:-1]:
        # copied to a plain mapping: the file may show the same one in two places, or merge it into another
        tree[key] = dict(tree[key])
        tree = tree[key]
    tree.pop(where[-1], None)


def _value(text: str) -> object:
    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, LookupError, AttributeError, TypeError) as error:
        raise ValueError(text) from error


def _content(path: Path, given: bytes | None) -> str:
    try:
        data = _head(path) if given is None else given
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _wrong(path, f"the file can't be read: {reason}") from error
    if len(data) > MAX_SIZE:
        raise _wrong(path, f"the file has more than {MAX_SIZE} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _wrong(path, f"the file is not UTF-8 text: {error.reason}", line) from error


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_SIZE + 1)


def _parse(path: Path, content: str) -> tuple[Any, list[Problem]]:
    yaml = YAML(typ="rt")
    yaml.allow_duplicate_keys = True
    yaml.Composer = _Composer
    try:
        composed = yaml.compose(content)
        if _values(composed, _DEEPEST, {}) > MAX_VALUES:
            raise _wrong(path, f"the file has more than {MAX_VALUES} values, those that aliases repeat included")
        duplicates = list(_duplicates(composed, (), set()))
        tree = yaml.load(content)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _wrong(path, _syntax(error), mark.line + 1 if mark else None) from error
    except ReaderError as error:
        line = content.count("\n", 0, error.position) + 1
        raise _wrong(path, f"not YAML: {error.reason}", line) from error
    except RecursionError as error:
        raise _wrong(path, "not YAML: nested too deeply") from error
    except (YAMLError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise _wrong(path, "not YAML: a value looks like a number or a date and is none; put it in quotes") from error
    if tree is None:
        raise _wrong(path, "the file is empty; at least the keys mqtt and modems are needed")
    return tree, duplicates


def _syntax(error: MarkedYAMLError) -> str:
    problem = error.problem or "it can't be read"
    if "'\\t'" in problem:
        return "not YAML: a tab can't indent or start a value; use blanks"
    if "alias" in problem:
        return "not YAML: a value that starts with * must be put in quotes"
    if "mapping values" in problem:
        return "not YAML: here or in the line above, a colon needs a blank behind it, or the text around it quotes"
    return f"not YAML: {error.context}: {problem}" if error.context else f"not YAML: {problem}"


def _wrong(path: Path, problem: str, line: int | None = None) -> ConfigurationError:
    return ConfigurationError(str(path), [Mistake("", problem, line=line)])


def _all_wrong(path: Path, tree: object, problems: Iterable[Problem], given: variables.Given) -> ConfigurationError:
    mistakes = [_mistake(tree, problem, given) for problem in problems]
    return ConfigurationError(str(path), sorted(mistakes, key=lambda mistake: mistake.line or 0))


def _duplicates(node: Node | None, path: tuple[object, ...], seen: set[int]) -> Iterator[Problem]:
    """Find keys given twice; YAML forbids them, and which one is meant can't be known."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            yield from _duplicates(item, (*path, index), seen)
    elif isinstance(node, MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            written = str(key.value)
            line = key.start_mark.line + 1
            if written in lines:
                problem = f"the key is there already, at line {lines[written]}"
                yield Problem((*path, written), problem, quiet=True, line=line)
            lines.setdefault(written, line)
            yield from _duplicates(value, (*path, written), seen)


def _values(node: Node | None, depth: int, counted: dict[tuple[int, int], int]) -> int:
    """Count the values of a node down to a depth, each as often as it is repeated, also inside itself."""
    if depth == 0 or not isinstance(node, (SequenceNode, MappingNode)):
        return 1
    place = (id(node), depth)
    if place not in counted:
        inner = node.value if isinstance(node, SequenceNode) else [value for pair in node.value for value in pair]
        counted[place] = 1 + sum(_values(value, depth - 1, counted) for value in inner)
    return counted[place]


def _mistake(tree: object, problem: Problem, given: variables.Given) -> Mistake:
    node: Any = tree
    where = ""
    for key in problem.path:
        where += _step(node, key)
        try:
            node = node[key]
        except (LookupError, TypeError):
            node = None
    where = where.removeprefix(".")
    secret = any(key in SECRETS for key in problem.path)
    value = None if problem.quiet or secret else _shown(node)
    variable = variables.giving(given, problem.path)
    if variable is not None:
        return Mistake(where, problem.text, value=value, source=variable.name)
    return Mistake(where, problem.text, value=value, line=problem.line or _line(tree, problem.path, nearest=True))


def _line(tree: object, path: tuple[object, ...], *, nearest: bool = False) -> int | None:
    """Return the line of a key, or of the nearest one above it that the file has."""
    line: int | None = 1 if nearest else None
    node: Any = tree
    for key in path:
        try:
            line = node.lc.data[key][0] + 1
            node = node[key]
        except (AttributeError, LookupError, TypeError):
            return line if nearest else None
    return line


def _step(parent: object, key: object) -> str:
    """Return one step on the way to a value, of a list's items as people count them."""
    if isinstance(parent, list) and isinstance(key, int):
        return f", item {key + 1}"
    written = str(key)
    return f".{written if written.isprintable() else repr(written)}"


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
    written = repr(_CREDENTIALS.sub("//***@", value)) if isinstance(value, str) else str(value)
    return written if len(written) <= _MAX_SHOWN else f"{written[:_MAX_SHOWN]}..."
