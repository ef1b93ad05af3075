"""The requirement matrix is complete and honest: what is called done names tests that exist."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
MATRIX = ROOT / "docs" / "requirements.md"
EXPECTED = (
    [f"R{number:03d}" for number in range(1, 229)]
    + [f"D{number:02d}" for number in range(1, 32)]
    + [f"X{number:02d}" for number in range(1, 15)]
)
NAMED = {f"R{number:03d}" for number in range(78, 143)}
"""The terminal's interface: who checks it finds each promise by the name of its test."""
STATES = {"done", "partial", "open"}


class Row(NamedTuple):
    id: str
    state: str
    tests: list[str]
    note: str


def matrix_rows(text: str) -> list[Row]:
    """The rows of the table `| id | state | tests | note |`."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 4 and re.fullmatch(r"[RDX]\d+", cells[0]):
            rows.append(Row(cells[0], cells[1], cells[2].split(), cells[3]))
    return rows


def complaints(rows: list[Row]) -> list[str]:
    """What is wrong with a matrix; empty when it holds."""
    found = []
    ids = [row.id for row in rows]
    found += [f"{missing} is missing" for missing in EXPECTED if missing not in ids]
    found += [f"{double} stands twice" for double in sorted({i for i in ids if ids.count(i) > 1})]
    for row in rows:
        if row.state not in STATES:
            found.append(f"{row.id}: {row.state!r} is no state")
        if row.state == "done" and not row.tests:
            found.append(f"{row.id} is called done and names no test")
        if row.state == "open" and row.tests:
            found.append(f"{row.id} is open and names tests: then it is partial at least")
        if row.state != "open" and row.id in NAMED and not any(_bears(test, row.id) for test in row.tests):
            found.append(f"{row.id}: none of its tests is named after it")
        if row.state != "done" and not row.note:
            found.append(f"{row.id} is not done and does not say what is missing")
        found += [f"{row.id}: {test} does not exist" for test in row.tests if not test_exists(test)]
    return found


def _bears(test: str, id_: str) -> bool:
    """Whether the test's own name has the requirement's id in it."""
    return re.search(rf"_{id_.lower()}(?!\d)", test.split("::")[-1]) is not None


def test_exists(test: str) -> bool:
    """Whether `path::name` names a test function (or `path::Class::name` a method) of the tree."""
    path, *names = test.split("::")
    file = ROOT / path
    if not names or not file.is_file() or not path.startswith("tests/"):
        return False
    text = file.read_text(encoding="utf-8")
    return all(re.search(rf"^\s*(async )?(def|class) {re.escape(name)}\b", text, re.MULTILINE) for name in names)


test_exists.__test__ = False  # type: ignore[attr-defined]  # a helper, whatever its name says


def test_the_matrix_holds() -> None:
    assert complaints(matrix_rows(MATRIX.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("| R001 | done | | |", "names no test"),
        ("| R001 | done | tests/unit/nowhere.py::test_nothing | |", "does not exist"),
        ("| R001 | done | tests/architecture/test_requirements.py::test_that_never_was | |", "does not exist"),
        ("| R001 | finished | | |", "is no state"),
        ("| R001 | open | | |", "does not say what is missing"),
        ("| R001 | open | tests/architecture/test_requirements.py::test_the_matrix_holds | x |", "partial at least"),
    ],
)
def test_a_false_claim_is_found(line: str, complaint: str) -> None:
    assert any(text.startswith("R001") and complaint in text for text in complaints(matrix_rows(line)))


def test_a_promise_to_terminals_without_a_test_of_its_name_is_found() -> None:
    other = "tests/architecture/test_requirements.py::test_the_matrix_holds"
    assert "R081: none of its tests is named after it" in complaints(matrix_rows(f"| R081 | done | {other} | |"))
    named = "tests/functional/test_copy_api_rules.py::test_r079_r080_r081_r082_profiles_stand_on_normal_accounts_and_are_linked"
    assert not any("R081" in text for text in complaints(matrix_rows(f"| R081 | done | {named} | |")))


def test_a_missing_and_a_doubled_id_are_found() -> None:
    found = complaints(matrix_rows("| R002 | open | | x |\n| R002 | open | | x |"))
    assert "R001 is missing" in found
    assert "R002 stands twice" in found
