"""``keys``: one command, and both ends have what they need."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sim7020_bridge.config.load import load
from sim7020_far_end.configuration import load as load_far_end
from tests.command_line import typed


def both(printed: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return what is printed for the bridge, and for the far end."""
    bridge, _, far_end = printed.partition("\n\n")
    return YAML(typ="safe").load(bridge)["oscore"], YAML(typ="safe").load(far_end)["modems"]["shed"]["oscore"]


@pytest.mark.parametrize("folder", ["keys", 'it\'s "a": folder'])
def test_what_is_printed_is_a_configuration(tmp_path: Path, folder: str) -> None:
    """Bridge and far end take it as it stands, each other's mirror; the secret is printed nowhere."""
    (tmp_path / folder).mkdir()
    status, out, err = typed("keys", "shed", "--folder", str(tmp_path / folder))
    assert (status, err) == (0, "")
    kept = tmp_path / folder / "shed.key"
    assert kept.stat().st_mode & 0o777 == 0o600
    secret = kept.read_text()
    assert len(bytes.fromhex(secret)) == 16
    assert secret.strip() not in out
    ours, theirs = both(out)
    assert (ours["sender_id"], ours["recipient_id"]) == (theirs["recipient_id"], theirs["sender_id"])
    assert (ours["secret_file"], theirs["secret_file"]) == (str(kept), "shed.key")
    socket = {"protocol": "coap", "url": "coap://198.51.100.7/t", "oscore": ours}
    tree = {"mqtt": {"host": "a.example"}, "modems": {"shed": {"port": "/dev/ttyS9", "sockets": {"t": socket}}}}
    file = tmp_path / "bridge.yaml"
    with file.open("w", encoding="utf-8") as written:
        YAML(typ="safe").dump(tree, written)
    coap = load(file).modems[0].sockets[0].coap
    assert coap is not None
    assert coap.oscore is not None
    assert coap.oscore.secret == bytes.fromhex(secret)
    assert secret.strip() not in typed("check", str(file))[1]
    far_end = tmp_path / folder / "far-end.yaml"
    far_end.write_text(
        f"mqtt: {{host: a.example}}\nstate_dir: state\n{out.partition(chr(10) * 2)[2]}", encoding="utf-8"
    )
    [modem] = load_far_end(far_end).modems
    assert modem.oscore.secret == coap.oscore.secret
    assert (modem.oscore.sender_id, modem.oscore.recipient_id) == (coap.oscore.recipient_id, coap.oscore.sender_id)


def test_no_two_are_the_same(tmp_path: Path) -> None:
    """Each has a secret of its own, and the id that was asked for."""
    for name in ("shed", "barn"):
        assert 'sender_id: "ab01"' in typed("keys", name, "--folder", str(tmp_path), "--id", "AB01")[1]
    assert (tmp_path / "shed.key").read_text() != (tmp_path / "barn.key").read_text()


def test_a_secret_is_never_written_over(tmp_path: Path) -> None:
    """Nor is it written through a link to where another may read it."""
    assert typed("keys", "shed", "--folder", str(tmp_path))[0] == 0
    before = (tmp_path / "shed.key").read_bytes()
    status, out, err = typed("keys", "shed", "--folder", str(tmp_path))
    assert (status, out) == (2, "")
    assert "exists already" in err
    assert (tmp_path / "shed.key").read_bytes() == before
    (tmp_path / "barn.key").symlink_to(tmp_path / "elsewhere")
    assert typed("keys", "barn", "--folder", str(tmp_path))[0] == 2
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    "arguments", [("../shed",), ("Shed",), ("shed", "--id", "xy"), ("shed", "--id", ""), ("shed", "--id", "00" * 8)]
)
def test_what_will_not_do(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A wrong name or id is refused, and nothing is made."""
    assert typed("keys", *arguments, "--folder", str(tmp_path))[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """It is said which file can't be written, and why."""
    status, _, err = typed("keys", "shed", "--folder", str(tmp_path / "none"))
    assert (status, err) == (1, f"{tmp_path}/none/shed.key can't be written: No such file or directory\n")
