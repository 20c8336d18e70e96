"""Topics that an earlier run has left documents at."""

from pathlib import Path

from sim7020_bridge.reports.memory import TopicMemory


def test_what_nobody_can_publish_to_is_left_out(tmp_path: Path) -> None:
    """A file that a disk has damaged keeps no bridge from starting."""
    file = tmp_path / "shed.topics"
    memory = TopicMemory(file)
    memory.keep(["b/shed/state", "b/shed/socket/gone/state"])
    assert memory.others(["b/shed/state"]) == ["b/shed/socket/gone/state"]
    file.write_text(f"b/shed/state\nb/+/state\nb/#\n\n$SYS/x\n{'x' * 70_000}\nb/shed/socket/gone/state\n")
    assert memory.others(["b/shed/state"]) == ["b/shed/socket/gone/state"]
