"""quality_scale.yaml: every rule of the Integration Quality Scale, answered."""

from collections.abc import Iterator

from tests.component.rules.tree import Tree

TIERS = {
    "bronze": (
        *("action-setup", "appropriate-polling", "brands", "common-modules", "config-flow-test-coverage"),
        *("config-flow", "dependency-transparency", "docs-actions", "docs-conditions", "docs-triggers"),
        *("docs-high-level-description", "docs-installation-instructions", "docs-removal-instructions"),
        *("entity-event-setup", "entity-unique-id", "has-entity-name", "runtime-data", "test-before-configure"),
        *("test-before-setup", "unique-config-entry"),
    ),
    "silver": (
        *("action-exceptions", "config-entry-unloading", "docs-configuration-parameters"),
        *("docs-installation-parameters", "entity-unavailable", "integration-owner", "log-when-unavailable"),
        *("parallel-updates", "reauthentication-flow", "test-coverage"),
    ),
    "gold": (
        *("devices", "diagnostics", "discovery", "discovery-update-info", "docs-data-update", "docs-examples"),
        *("docs-known-limitations", "docs-supported-devices", "docs-supported-functions", "docs-troubleshooting"),
        *("docs-use-cases", "dynamic-devices", "entity-category", "entity-device-class"),
        *("entity-disabled-by-default", "entity-translations", "exception-translations", "icon-translations"),
        *("reconfiguration-flow", "repair-issues", "stale-devices"),
    ),
    "platinum": ("async-dependency", "inject-websession", "strict-typing"),
}
RULES = [rule for rules in TIERS.values() for rule in rules]


def findings(tree: Tree) -> Iterator[str]:
    """Give what is missing for the tier that manifest.json claims."""
    rules = tree.yaml("quality_scale.yaml").get("rules", {})
    yield from (f"no answer to {rule}" for rule in RULES if rule not in rules)
    yield from (f"unknown rule {rule}" for rule in rules if rule not in RULES)
    claimed = list(TIERS).index(tree.json("manifest.json").get("quality_scale", "bronze"))
    for rule, answer in rules.items():
        status = answer.get("status") if isinstance(answer, dict) else answer
        if status not in {"done", "todo", "exempt"}:
            yield f"{rule} is neither done, todo nor exempt"
        if status == "exempt" and not (isinstance(answer, dict) and answer.get("comment")):
            yield f"{rule} is exempt without a comment"
        if status == "todo" and any(rule in rules for rules in list(TIERS.values())[: claimed + 1]):
            yield f"{rule} is to do, but the tier is claimed"
