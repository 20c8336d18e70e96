"""The table in docs/brokers.md is read and written column by column; a broker that is missing is an error."""

from pathlib import Path

import pytest

from tests.brokers import page
from tests.brokers.ask import ROWS
from tests.brokers.programs import KINDS, Missing

EMPTY = "# Brokers\n\n<!-- written by script/brokers -->\n\nMore.\n"


def column(answer: str) -> dict[str, str]:
    """Return a column with the same answer in every row."""
    return dict.fromkeys((page.VERSION, *ROWS), answer)


def test_a_column_is_written_and_read_back() -> None:
    """Nothing else on the page changes."""
    seen = {"NATS": column("yes"), "mosquitto": column("no")}
    written = page.written(EMPTY, seen)
    assert page.read(written) == seen
    assert written.replace(written[written.index("| ") : written.index("\nMore")], "") == EMPTY


def test_the_columns_of_other_brokers_stay() -> None:
    """Not every machine has every broker."""
    before = page.written(EMPTY, {"NATS": column("yes"), "mosquitto": column("no")})
    after = page.read(page.written(before, {"NATS": column("-")}))
    assert after == {"mosquitto": column("no"), "NATS": column("-")}


def test_the_page_has_a_column_for_every_broker_in_the_order_of_their_names() -> None:
    """And every column an answer in every row."""
    says = page.read(page.PAGE.read_text(encoding="utf-8"))
    assert list(says) == [kind.title for kind in KINDS.values()]
    for answers in says.values():
        assert list(answers) == [page.VERSION, *ROWS]
        assert all(answers.values())


def test_a_broker_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not left out in silence."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("tests.brokers.programs.AEDES", Path("/nowhere"))
    with pytest.raises(Missing, match="aedes is not installed"):
        KINDS["aedes"].version()


def test_the_version_of_rabbitmq_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian 12 has another than Debian 13, under the same name."""
    monkeypatch.setattr("tests.brokers.programs._rabbitmq_version", lambda: "3.10.8")
    assert KINDS["rabbitmq3"].version() == "3.10.8"
    with pytest.raises(Missing, match=r"RabbitMQ 4 is not installed, but 3\.10\.8"):
        KINDS["rabbitmq"].version()
