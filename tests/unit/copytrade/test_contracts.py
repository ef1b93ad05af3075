"""R003, R020, R021, R030, R151, D07: the follower's contract."""

from dataclasses import replace

import pytest

from copytrade.domain.contracts import Catalogue, Dated, contract_choose, dated, names_to_read
from copytrade.domain.values import ContractTerms
from tests.support.copies import terms
from tests.support.house import spec

YEAR = 2026
PLAIN = [spec(symbol) for symbol in ("EURUSD", "ES", "MES", "NQ", "MNQ")]


def named(like, symbol, number, **changes):
    """A contract with the terms of another."""
    return replace(spec(like), symbol=symbol, id=number, **changes)


def chosen(symbol, specs=PLAIN, **settings):
    found = contract_choose(terms(**settings), symbol, Catalogue(specs, YEAR))
    return None if found is None else (found.spec.symbol, found.converted)


@pytest.mark.parametrize(
    ("name", "delivery"),
    [
        ("ESZ6", Dated("ES", "Z", 2026)),
        ("ESZ26", Dated("ES", "Z", 2026)),
        ("ESZ2026", Dated("ES", "Z", 2026)),
        ("ESZ5", Dated("ES", "Z", 2025)),  # not long ago
        ("ESZ3", Dated("ES", "Z", 2033)),
        ("MNQH7", Dated("MNQ", "H", 2027)),
        ("6EM6", Dated("6E", "M", 2026)),
        ("EURUSD", None),
        ("ES", None),
        ("ESA6", None),  # A is no month
        ("ESZ126", None),
    ],
)
def test_names_of_dated_futures(name, delivery):
    assert dated(name, YEAR) == delivery


def test_d07_the_order_of_the_rules():
    own, groups = (("ES", "MNQ"),), (("ES", "NQ"),)
    crossed = (ContractTerms("ES", cross_symbol="MES"),)
    assert chosen("ES", own_mappings=own, contracts=crossed, group_mappings=groups) == ("MNQ", False)
    assert chosen("ES", contracts=crossed, group_mappings=groups) == ("MES", False)
    assert chosen("ES", group_mappings=groups) == ("NQ", False)
    assert chosen("ES") == ("ES", False)
    assert chosen("CL") is None


def test_what_was_meant_and_is_not_there_is_no_answer():
    assert chosen("ES", own_mappings=(("ES", "QO"),)) is None
    assert chosen("ES", contracts=(ContractTerms("ES", cross_symbol="MNQ"),)) is None  # another family


def test_auto_variant_stands_in_for_a_contract_that_cannot_be_traded():
    specs = [spec("ES", trade_enabled=False), spec("MES")]
    assert chosen("ES", specs, auto_variant=True) == ("MES", True)
    assert chosen("ES", specs) == ("ES", False)
    assert chosen("ES", [*specs, named("MES", "MES2", 900, variant="MINI")], auto_variant=True) == (
        "ES",
        False,
    )


def test_a_delivery_in_any_spelling():
    specs = [named("ES", "ESZ26", 1), named("MES", "MESZ6", 2), named("MES", "MESH7", 3)]
    assert chosen("ESZ2026", specs) == ("ESZ26", False)
    assert chosen("ESZ6", specs, contracts=(ContractTerms("ES", cross_symbol="MES"),)) == ("MESZ6", False)
    assert [one.symbol for one in Catalogue(specs, YEAR).relatives(specs[0])] == ["MESZ6"]
    twice = [*specs, named("ES", "ESZ2026", 4)]
    assert chosen("ESZ6", twice) is None


def test_the_names_under_which_a_contract_may_stand():
    names = names_to_read({"ESZ6", "EURUSD"}, {"NQ"}, YEAR)
    assert names == {"ESZ6", "ESZ26", "ESZ2026", "EURUSD", "NQ", "NQZ6", "NQZ26", "NQZ2026"}
