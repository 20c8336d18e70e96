"""What hassfest and the quality scale find in the component's code."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from homeassistant.const import Platform

from tests.component.rules.tree import Tree, functions

# hassfest lets everybody use these, because they are always there.
FREE = {platform.value for platform in Platform} | {
    *("blueprint", "conversation", "device_automation", "diagnostics", "frontend", "group", "homeassistant"),
    *("persistent_notification", "system_health", "system_log", "webhook", "websocket_api", "zone"),
}
OWN = "."
ACTING = {"button", "notify", "switch", "select", "number", "text", "update"}


def findings(tree: Tree) -> Iterator[str]:
    """Give what is wrong with the code."""
    manifest = tree.json("manifest.json")
    allowed = FREE | {*manifest.get("dependencies", []), *manifest.get("after_dependencies", [])}
    modules = dict(tree.modules())
    for name, module in modules.items():
        for used in sorted(_components(module)):
            # A platform of another integration (logbook.py, ...) is loaded by that integration itself.
            if used not in allowed and used != name:
                yield f"{name} uses {used}, which manifest.json does not depend on"
        # what is beside a module it has to import relatively, as Home Assistant's own lint wants it
        foreign = {"custom_components", "sim7020_bridge", "paho"}
        yield from (f"{name} imports {each}" for each in sorted(_imported(module) & foreign))
        if name in {platform.value for platform in Platform}:
            limit = _assigned(module).get("PARALLEL_UPDATES")
            wanted = 1 if name in ACTING else 0
            if not isinstance(limit, ast.Constant) or limit.value != wanted:
                yield f"{name} does not set PARALLEL_UPDATES to {wanted}"
    yield from _circles(modules)
    init = modules.get("__init__", ast.Module([], []))
    if "async_setup" in functions(init) and "CONFIG_SCHEMA" not in _assigned(init):
        yield "async_setup without CONFIG_SCHEMA"
    if "async_unload_entry" not in functions(init):
        yield "no async_unload_entry"
    for needed, gain in (("coordinator", "common-modules"), ("entity", "common-modules")):
        if needed not in modules:
            yield f"no {needed}.py, which {gain} asks for"


def _imports(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            start = OWN if node.level else ""
            yield from (f"{start}{node.module}.{alias.name}" for alias in node.names)


def _circles(modules: Mapping[str, ast.Module]) -> Iterator[str]:
    """Give modules of the component of which each imports the next, also for its types alone, round to the first."""
    graph = {
        name: {used.removeprefix(OWN).partition(".")[0] for used in _imports(module) if used.startswith(OWN)}
        for name, module in modules.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield f"{' imports '.join(reversed(error.args[1]))}: a circle"


def _imported(module: ast.Module) -> set[str]:
    return {name.partition(".")[0] for name in _imports(module)}


def _components(module: ast.Module) -> set[str]:
    start = "homeassistant.components."
    return {name.removeprefix(start).partition(".")[0] for name in _imports(module) if name.startswith(start)}


def _assigned(module: ast.Module) -> dict[str, ast.expr | None]:
    found: dict[str, ast.expr | None] = {}
    for node in module.body:
        if isinstance(node, ast.Assign):
            found |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node.value
    return found
