"""Workflows, issue forms and updates: their form, what they may do, and that a release needs every test."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.packaging.files import ROOT, read_yaml

GITHUB: Final = ROOT / ".github"
NAMES: Final = ("ci", "nightly", "release")
WORKFLOWS: Final[dict[str, dict[str, Any]]] = {name: read_yaml(GITHUB / f"workflows/{name}.yml") for name in NAMES}
FORMS: Final = sorted((GITHUB / "ISSUE_TEMPLATE").glob("[0-9]-*.yml"))
PUBLISHING: Final = ("pypi", "images", "app", "release")
BY_BRANCH: Final = {"pypa/gh-action-pypi-publish@release/v1"}
"""Actions whose authors ask for a branch in the place of a hash."""


def check(schema: str, *files: Path) -> str:
    """Hold files to a schema that comes with the checker, and return what is wrong."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, files)]
    checked = subprocess.run(command, check=False, capture_output=True, text=True)
    return "" if checked.returncode == 0 else checked.stdout or checked.stderr


def audit(directory: Path) -> str:
    """Have workflows audited for what makes them unsafe, without the network, and return the findings."""
    zizmor = Path(sys.executable).parent / "zizmor"
    found = subprocess.run(
        [zizmor, "--offline", "--quiet", "--no-progress", "--color=never", directory],
        check=False,
        capture_output=True,
        text=True,
    )
    return "" if found.returncode == 0 else found.stdout + found.stderr


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return every job with its workflow's name and its own."""
    for name, workflow in WORKFLOWS.items():
        for job, body in workflow["jobs"].items():
            yield name, job, body


def needs(job: str) -> set[str]:
    """Return everything that a job of the release waits for."""
    direct = WORKFLOWS["release"]["jobs"][job].get("needs", [])
    direct = [direct] if isinstance(direct, str) else direct
    return set(direct).union(*(needs(each) for each in direct))


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", [GITHUB / f"workflows/{name}.yml" for name in NAMES]),
        ("github-issue-forms", FORMS),
        ("github-issue-config", [GITHUB / "ISSUE_TEMPLATE/config.yml"]),
        ("dependabot", [GITHUB / "dependabot.yml"]),
    ],
)
def test_each_file_has_the_form_that_github_wants(schema: str, files: list[Path]) -> None:
    """GitHub would leave out in silence what it can't read."""
    assert files
    assert check(schema, *files) == ""


def test_a_file_of_the_wrong_form_would_be_found(tmp_path: Path) -> None:
    """A key with a slip of the pen."""
    broken = tmp_path / "ci.yml"
    broken.write_text((GITHUB / "workflows/ci.yml").read_text().replace("runs-on:", "run-on:"))
    assert "ci.yml" in check("github-workflows", broken)


def test_no_workflow_is_unsafe() -> None:
    """No credentials left over, no text of strangers in a shell, no right that is not needed."""
    assert audit(GITHUB) == ""


def test_an_unsafe_workflow_would_be_found(tmp_path: Path) -> None:
    """A title that anybody can write, put into a shell."""
    shutil.copytree(GITHUB, tmp_path / ".github")
    workflow = tmp_path / ".github/workflows/ci.yml"
    text = workflow.read_text()
    workflow.write_text(text.replace("run: .ci/run", "run: echo ${{ github.event.pull_request.title }}"))
    assert "template-injection" in audit(tmp_path / ".github")


def test_actions_are_held_to_the_commit_that_was_read() -> None:
    """A tag can be moved by whoever takes over an action; the comment says which version the commit is."""
    used = {line.strip() for name in NAMES for line in (GITHUB / f"workflows/{name}.yml").read_text().splitlines()}
    used = {line.removeprefix("- ").removeprefix("uses: ") for line in used if "uses:" in line and "./" not in line}
    assert len(used) >= 10
    for line in used:
        action = line.split()[0]
        assert action in BY_BRANCH or re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # .+", line), line


def test_every_script_that_a_workflow_calls_is_there() -> None:
    """And can be run."""
    named = {
        script
        for name in NAMES
        for script in re.findall(r"(?:script/[\w-]+|\.ci/run)", (GITHUB / f"workflows/{name}.yml").read_text())
    }
    assert len(named) >= 8
    for script in named:
        assert os.access(ROOT / script, os.X_OK), script


def test_the_bridge_is_tested_on_every_python_that_it_names() -> None:
    """The classifiers promise no more than the workflow shows."""
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    promised = {match[1] for each in classifiers if (match := re.search(r":: (3\.\d+)$", each))}
    matrix = WORKFLOWS["ci"]["jobs"]["bridge"]["strategy"]["matrix"]["python"]
    assert {*matrix, "3.11"} == promised


@pytest.mark.parametrize(("workflow", "job", "body"), list(jobs()))
def test_every_job_ends_and_has_only_the_rights_it_names(workflow: str, job: str, body: dict[str, Any]) -> None:
    """A job that hangs costs hours, and one that may write can be misused."""
    assert WORKFLOWS[workflow]["permissions"] == {"contents": "read"}
    assert "uses" in body or body["timeout-minutes"] <= 120
    writes = {right for right, level in body.get("permissions", {}).items() if level == "write"}
    assert not writes or (workflow == "release" and job in PUBLISHING)


@pytest.mark.parametrize("job", PUBLISHING)
def test_nothing_is_published_before_version_and_tests_have_passed(job: str) -> None:
    """Each publishing job waits for the check of the version and for the whole of CI."""
    assert {"version", "test", "build"} <= needs(job)


def test_the_release_waits_for_all_of_it() -> None:
    """What people read about is there to be installed."""
    assert {"pypi", "images", "app"} <= needs("release")


def test_a_release_needs_no_secret_but_githubs_own() -> None:
    """What is not stored can't be stolen."""
    for name in NAMES:
        text = (GITHUB / f"workflows/{name}.yml").read_text()
        assert set(re.findall(r"secrets\.(\w+)", text)) <= {"GITHUB_TOKEN"}


def test_who_reports_a_defect_is_asked_for_what_helps() -> None:
    """The probe, a recorded trace and the version are required."""
    fields = {field.get("id"): field for field in read_yaml(FORMS[0])["body"]}
    for name, command in (("probe", "probe --json"), ("trace", "sim7020-bridge record"), ("version", "--version")):
        assert command in fields[name]["attributes"]["description"]
        assert fields[name]["validations"]["required"] is True
