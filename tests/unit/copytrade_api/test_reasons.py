"""One catalogue tells every refusal to a person."""

import ast
from pathlib import Path

import pytest

from copytrade import reasons
from copytrade.domain import guards, sizing
from copytrade.domain.codes import RejectReason, SkipReason

ALL_CODES = [*SkipReason, *RejectReason]


def test_order_of_skip_reasons_is_the_order_of_the_guards():
    assert " ".join(SkipReason) == (
        "MODULE_DISABLED MASTER_NOT_ACTIVE GROUP_PAUSED SUBSCRIPTION_PAUSED FOLLOWER_DISABLED COPY_MODE SYMBOL_FILTERED "
        "CONTRACT_NOT_SYNCED UNMAPPED_CONTRACT PENDING_NOT_COPIED STOPS_NOT_COPIED PARTIAL_NOT_COPIED NO_LINK "
        "ALREADY_FLAT CLOSE_ONLY OPPOSITE_SIDE QUARANTINED SYNC_GUARD ACCOUNT_LOCKED RISK_LIMIT FOLLOWER_STOPPED "
        "MIN_EQUITY MAX_POSITIONS INVALID_EQUITY NO_CONVERSION_RATE BELOW_MIN_VOLUME ROUNDED_TO_ZERO STALE_QUOTE "
        "SLIPPAGE_TOLERANCE SIGNAL_TOO_OLD CLOSED_BEFORE_COPY FLATTENED ROLE_CONFLICT EVENT_FAILED"
    )


def test_the_catalogue_has_exactly_the_codes():
    assert set(reasons.CATALOGUE) == {str(code) for code in ALL_CODES}


@pytest.mark.parametrize("code", ALL_CODES)
def test_every_code_has_a_sentence_a_next_step_and_a_severity(code):
    entry = reasons.CATALOGUE[code]
    assert str(entry.sentence).strip()
    assert reasons.next_step(code).strip()
    assert reasons.severity(code) in reasons.Severity


@pytest.mark.parametrize("code", ALL_CODES)
def test_the_sentence_without_parameters_is_whole(code):
    sentence = reasons.detail(code)
    assert sentence.endswith(".")
    assert not set("[]%") & set(sentence)
    assert "  " not in sentence
    assert " ." not in sentence


@pytest.mark.parametrize("code", ALL_CODES)
def test_the_sentence_tells_every_parameter(code):
    params = {name: f"<{name}>" for name in reasons.CATALOGUE[code].parameters}
    sentence = reasons.detail(code, params)
    assert all(value in sentence for value in params.values())
    assert not set("[]%") & set(sentence)


def test_a_part_with_a_missing_parameter_is_left_out():
    full = reasons.detail("MIN_EQUITY", {"equity": "90", "min_equity": "100"})
    assert "(90, minimum 100)" in full
    assert (
        reasons.detail("MIN_EQUITY", {"equity": "90"}) == "The follower's equity is below the subscription's minimum."
    )
    assert reasons.detail("MIN_EQUITY", {"equity": None, "min_equity": ""}) == reasons.detail("MIN_EQUITY")


def test_values_are_never_read_as_placeholders():
    told = reasons.detail("VENUE_REJECTED", {"message": "%(code)s [x] %d \\1"})
    assert "%(code)s [x] %d \\1" in told


def test_no_code_has_no_words_and_an_unknown_code_is_shown():
    assert reasons.detail("") == ""
    assert "SOMETHING_NEW" in reasons.detail("SOMETHING_NEW", {"a": 1})
    assert reasons.severity("SOMETHING_NEW") is reasons.Severity.WARNING


def stored_parameters() -> list[tuple[str, frozenset[str]]]:
    """Code and parameter names of every refusal that the pure decisions write down."""
    found = []
    for module in (guards, sizing):
        for call in ast.walk(ast.parse(Path(module.__file__).read_text())):
            match call:
                case ast.Call(args=[ast.Attribute(value=ast.Name(id="SkipReason"), attr=code), ast.Dict(keys=keys)]):
                    found.append((code, frozenset(key.value for key in keys if key is not None)))
    return found


def test_what_the_guards_store_is_what_the_sentences_tell():
    stored = stored_parameters()
    assert len(stored) > 10
    for code, names in stored:
        told = set(reasons.CATALOGUE[code].parameters)
        assert names <= told, f"{code} stores {names - told}, which nobody is told"
        if names:
            sentence = reasons.detail(code, dict.fromkeys(names, "7"))
            assert sentence.count("7") == len(names), sentence
