"""manifest.json as hassfest has it for a custom integration."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import homeassistant.components
from awesomeversion import AwesomeVersion, AwesomeVersionException, AwesomeVersionStrategy

from tests.component.rules.tree import DOMAIN, Tree, calls

KEYS = {
    *("after_dependencies", "bluetooth", "codeowners", "config_flow", "dependencies", "dhcp", "disabled"),
    *("documentation", "domain", "homeassistant", "homekit", "import_executor", "integration_type", "iot_class"),
    *("issue_tracker", "loggers", "mqtt", "name", "preview_features", "quality_scale", "requirements"),
    *("single_config_entry", "ssdp", "usb", "version", "zeroconf"),
}
INTEGRATION_TYPES = {"device", "entity", "hardware", "helper", "hub", "service", "system"}
IOT_CLASSES = {"assumed_state", "calculated", "cloud_polling", "cloud_push", "local_polling", "local_push"}
SCALES = {"bronze", "silver", "gold", "platinum", "custom", "internal", "legacy", "no_score"}
VERSIONS = [
    AwesomeVersionStrategy.CALVER,
    AwesomeVersionStrategy.SEMVER,
    AwesomeVersionStrategy.SIMPLEVER,
    AwesomeVersionStrategy.BUILDVER,
    AwesomeVersionStrategy.PEP440,
]
BUILT_IN = Path(homeassistant.components.__path__[0])


def findings(tree: Tree) -> Iterator[str]:
    """Give what hassfest would find."""
    manifest = tree.json("manifest.json")
    yield from _keys(list(manifest))
    domain = manifest.get("domain")
    if domain != tree.component.name:
        yield f"domain {domain} is not the directory's name"
    if domain and (BUILT_IN / domain).exists():
        yield f"domain {domain} is one of Home Assistant's own"
    if not manifest.get("name"):
        yield "no name"
    for key, known in (("integration_type", INTEGRATION_TYPES), ("iot_class", IOT_CLASSES), ("quality_scale", SCALES)):
        if manifest.get(key) not in known:
            yield f"no known {key}"
    try:
        AwesomeVersion(manifest.get("version") or "none", ensure_strategy=VERSIONS)
    except AwesomeVersionException:
        yield "no version that the loader accepts"
    for key in ("documentation", "issue_tracker"):
        yield from (f"{key} is {problem}" for problem in _address(manifest.get(key, "")))
    owners = manifest.get("codeowners", [])
    if not owners or any(not owner.startswith("@") or len(owner) == 1 for owner in owners):
        yield "codeowners are not all @names"
    yield from (f"requirement {each} is not pinned" for each in manifest.get("requirements", []) if "==" not in each)
    yield from _flow(tree)


def _keys(keys: list[str]) -> Iterator[str]:
    yield from (f"unknown key {key}" for key in keys if key not in KEYS)
    if keys != ["domain", "name", *sorted(set(keys) - {"domain", "name"})]:
        yield "keys are not in order: domain, name, then by the alphabet"


def _address(text: str) -> Iterator[str]:
    url = urlsplit(text)
    if url.scheme != "https" or not url.netloc or len(url.path) <= 1:
        yield "not a https address"
    elif url.netloc == "www.home-assistant.io" and url.path.startswith("/integrations"):
        yield "a page of Home Assistant's own integrations"


def _flow(tree: Tree) -> Iterator[str]:
    manifest = tree.json("manifest.json")
    flow = dict(tree.modules()).get("config_flow")
    if manifest.get("config_flow") and flow is None:
        yield "config_flow without config_flow.py"
    if flow is not None and not manifest.get("config_flow"):
        yield "config_flow.py without config_flow"
    if "mqtt" in manifest:
        if "mqtt" not in manifest.get("dependencies", []):
            yield "mqtt topics without the mqtt dependency"
        if flow is None or not any(calls(flow, "async_set_unique_id")):
            yield "mqtt topics without async_set_unique_id in config_flow.py"
    for each in (*manifest.get("dependencies", []), *manifest.get("after_dependencies", [])):
        if not (BUILT_IN / each / "manifest.json").exists():
            yield f"dependency {each} does not exist"
    if DOMAIN in manifest.get("dependencies", []):
        yield "depends on itself"
