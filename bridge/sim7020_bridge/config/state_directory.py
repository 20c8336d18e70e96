"""Where the bridge keeps its state if the configuration doesn't say: what systemd gives, else the user's own place."""

import os
from collections.abc import Mapping
from pathlib import Path

_NAME = "sim7020-bridge"


def default_state_dir(environment: Mapping[str, str] = os.environ, program: str = _NAME) -> Path | None:
    """Return the first of ``STATE_DIRECTORY``, ``XDG_STATE_HOME`` and the home directory that there is, or None.

    Nothing is created. Systemd lists several directories with colons between them, of which the first counts.
    A relative path is taken for none, as the XDG base directory specification wants it.
    """
    given = _absolute(environment.get("STATE_DIRECTORY", "").split(":")[0])
    if given is not None:
        return given
    state_home = _absolute(environment.get("XDG_STATE_HOME", ""))
    if state_home is not None:
        return state_home / program
    home = _absolute(environment.get("HOME", "")) or _absolute(os.path.expanduser("~"))  # noqa: PTH111 - no error
    return None if home is None else home / ".local" / "state" / program


def _absolute(written: str) -> Path | None:
    path = Path(written)
    return path if path.is_absolute() else None
