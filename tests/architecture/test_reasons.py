"""Every reason of a copy order has a test that brings it about by what people do, or says honestly why it has none."""

import re
from pathlib import Path

from copytrade.domain.codes import RejectReason, SkipReason
from tests.support.refusals import ELSEWHERE, NOT_BUILT, SCENES

ROOT = Path(__file__).resolve().parents[2]
CODES = {*map(str, SkipReason), *map(str, RejectReason)}


def test_every_reason_is_brought_about_or_named_as_not_built():
    assert {*SCENES, *NOT_BUILT, *ELSEWHERE} == CODES
    assert len(CODES) == len(SCENES) + len(NOT_BUILT) + len(ELSEWHERE)


def test_what_is_not_built_says_why_and_is_not_made_by_the_code():
    made = "\n".join(
        path.read_text()
        for folder in ("copytrade/engine", "copytrade/services")
        for path in sorted((ROOT / folder).rglob("*.py"))
    )
    for code, why in NOT_BUILT.items():
        assert "not built" in why
        assert f"SkipReason.{code}" not in made
        assert f"RejectReason.{code}" not in made


def test_what_is_shown_elsewhere_is_shown_there():
    for code, test in ELSEWHERE.items():
        path, name = test.split("::")
        body = re.split(rf"^def {name}\(", (ROOT / path).read_text(), flags=re.MULTILINE)
        assert len(body) == 2, test
        assert code in re.split(r"^def ", body[1], flags=re.MULTILINE)[0], test
