"""Final result codes."""

import pytest

from sim7020_bridge.at.framer import Line
from sim7020_bridge.at.results import CME_MEANINGS, CMS_MEANINGS, Outcome, code_of, final_result


@pytest.mark.parametrize(
    ("text", "outcome", "code", "meaning"),
    [
        ("OK", Outcome.OK, None, ""),
        ("ERROR", Outcome.ERROR, None, ""),
        ("BUSY", Outcome.BUSY, None, ""),
        ("NO CARRIER", Outcome.NO_CARRIER, None, ""),
        ("NO DIALTONE", Outcome.NO_DIALTONE, None, ""),
        ("NO ANSWER", Outcome.NO_ANSWER, None, ""),
        ("NORMAL POWER DOWN", Outcome.NORMAL_POWER_DOWN, None, ""),
        ("DATA ACCEPT: 5", Outcome.DATA_ACCEPT, 5, ""),
        ("DATA ACCEPT:5", Outcome.DATA_ACCEPT, 5, ""),
        ("+CME ERROR: 10", Outcome.CME_ERROR, 10, "SIM not inserted"),
        ("+CME ERROR:10", Outcome.CME_ERROR, 10, "SIM not inserted"),
        ("+CME ERROR: SIM not inserted", Outcome.CME_ERROR, 10, "SIM not inserted"),
        ("+CME ERROR: sim NOT inserted", Outcome.CME_ERROR, 10, "sim NOT inserted"),
        ("+CME ERROR: something new", Outcome.CME_ERROR, None, "something new"),
        ("+CME ERROR: 9999", Outcome.CME_ERROR, 9999, ""),
        ("+CMS ERROR: 512", Outcome.CMS_ERROR, 512, "SIM not ready"),
        ("+CIS ERROR: 651", Outcome.CIS_ERROR, 651, ""),
        ("+TLS ERROR: -9984", Outcome.TLS_ERROR, -9984, ""),
    ],
)
def test_final_results(text: str, outcome: Outcome, code: int | None, meaning: str) -> None:
    """Every final result code of the module is told apart, by number and by text."""
    result = final_result(Line.of(text))
    assert result is not None
    assert (result.outcome, result.code, result.meaning, result.text) == (outcome, code, meaning, text)


@pytest.mark.parametrize("text", ["OK.", "ok", "+CSQ: 20,0", "ERROR: 5", "SEND: 0,11", "NO CARRIERS", "> "])
def test_other_lines(text: str) -> None:
    """What only resembles a result code is none."""
    assert final_result(Line.of(text)) is None


@pytest.mark.parametrize(
    ("outcome", "meanings"), [(Outcome.CME_ERROR, CME_MEANINGS), (Outcome.CMS_ERROR, CMS_MEANINGS)]
)
def test_meanings_lead_back_to_their_numbers(outcome: Outcome, meanings: dict[int, str]) -> None:
    """With AT+CMEE=2 the text gives the same number as AT+CMEE=1 would."""
    assert {code_of(outcome, meaning) for meaning in meanings.values()} == set(meanings)
