"""The house's rules that no linter knows, read from the source itself."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

from config.celery import app as celery_app

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "infra", "accounts", "ledger", "trading", "copytrade", "portal", "config", "rewards", "marketplace")
ENTRANCES = re.compile(
    r"/(api[^/]*\.py|api/.*|consumers?\.py|consumers/.*|tasks\.py|middleware\.py|management/commands/.*)$"
    r"|^portal/|^config/|^infra/(api|embedded)/"
    r"|^copytrade/engine/doorbell\.py$"  # a thread of the copy worker: the task that PostgreSQL starts
    r"|^core/clock\.py$"  # what it is called from
)
WAITING = re.compile(r"^(infra/hub|infra/outbox|infra/push|infra/retry)\.py$")
"""Machinery that measures how long it waits; never stores an instant."""


@cache
def sources() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "/migrations/" not in name:
                found[name] = path.read_text()
    assert len(found) > 100
    return found


@cache
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse(text) for name, text in sources().items()}


def pure() -> Iterator[tuple[str, ast.Module]]:
    for name, tree in trees().items():
        if name.startswith("core/") or "/domain/" in name:
            yield name, tree


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a chain of names, "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def test_decisions_know_no_floats():
    wrong = []
    for name, tree in pure():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                wrong.append(f"{name}:{node.lineno} {node.value}")
            if isinstance(node, ast.Name) and node.id == "float":
                wrong.append(f"{name}:{node.lineno} float")
            if isinstance(node, ast.Call) and dotted(node.func).endswith("Decimal"):
                wrong += [
                    f"{name}:{node.lineno} Decimal of a float"
                    for argument in node.args
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, float)
                ]
    assert wrong == []


def test_only_one_module_rounds():
    numbers = re.compile(r"^(core|ledger|trading|copytrade)/")
    wrong = [
        f"{name}:{call.lineno}"
        for name, tree in trees().items()
        for call, called in calls(tree)
        if name != "core/rounding.py"
        and (
            called.endswith(".quantize")
            or (numbers.search(name) and (called == "round" or called.endswith(".to_integral_value")))
        )
    ]
    assert wrong == []


def test_the_present_comes_in_at_entrances_only():
    """Also as a default, or handed on as a function: any mention of a clock's `now`."""
    wrong = []
    for name, tree in trees().items():
        if ENTRANCES.search(name) or WAITING.search(name):
            continue
        for node in ast.walk(tree):
            mention = dotted(node) if isinstance(node, ast.Attribute) else ""
            if isinstance(node, ast.Attribute) and re.search(
                r"(^|\.)(clock|datetime|timezone|time)\.(now|utcnow|today|time)$", mention
            ):
                wrong.append(f"{name}:{node.lineno} {mention}")
            if isinstance(node, ast.ImportFrom) and node.module == "core.clock":
                wrong += [f"{name}:{node.lineno} imports now" for alias in node.names if alias.name == "now"]
            if isinstance(node, ast.keyword) and node.arg in ("auto_now", "auto_now_add"):
                wrong.append(f"{name}:{node.value.lineno} {node.arg}")
    assert wrong == []


def test_no_clock_in_sql():
    spoken = re.compile(r"\b(now\(\)|current_timestamp|clock_timestamp|statement_timestamp|localtimestamp)", re.I)
    wrong = []
    for name, tree in trees().items():
        documentation = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in documentation:
                text = node.value.decode() if isinstance(node.value, bytes) else node.value
                if spoken.search(text) and re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|DEFAULT)\b", text):
                    wrong.append(f"{name}:{node.lineno}")
    assert wrong == []


def test_rows_are_locked_without_their_keys():
    """FOR UPDATE blocks the inserts of every row that refers to the locked one."""
    wrong = []
    for name, tree in trees().items():
        for call, called in calls(tree):
            if called.endswith("select_for_update") or (
                isinstance(call.func, ast.Attribute) and call.func.attr == "select_for_update"
            ):
                no_key = [k for k in call.keywords if k.arg == "no_key"]
                if not no_key or not getattr(no_key[0].value, "value", False):
                    wrong.append(f"{name}:{call.lineno}")
    wrong += [
        f"{name}: FOR UPDATE in SQL"
        for name, text in sources().items()
        if re.search(r"(?<!NO KEY )(?<!plain )\bFOR\s+UPDATE\b", text)
    ]
    assert wrong == []


def test_every_scheduled_task_exists():
    celery_app.loader.import_default_modules()
    for title, entry in settings.CELERY_BEAT_SCHEDULE.items():
        assert entry["task"] in celery_app.tasks, title


def test_every_routed_task_exists():
    celery_app.loader.import_default_modules()
    routed = [name for name in settings.CELERY_TASK_ROUTES if "*" not in name]
    assert [name for name in routed if name not in celery_app.tasks] == []


def test_imports_are_absolute():
    wrong = [
        f"{name}:{node.lineno}"
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert wrong == []


def test_every_module_says_what_it_is():
    bare = [
        name
        for name, tree in trees().items()
        if not ast.get_docstring(tree) and sources()[name].strip() and not name.endswith("urls.py")
    ]
    assert [name for name in bare if not name.endswith(("/__init__.py", "/apps.py"))] == []


@pytest.mark.parametrize("where", ["product", "tests"])
def test_files_stay_short(where):
    if where == "product":
        long = {name: len(text.splitlines()) for name, text in sources().items()}
    else:
        long = {p.relative_to(ROOT).as_posix(): len(p.read_text().splitlines()) for p in (ROOT / "tests").rglob("*.py")}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}


def test_no_signals():
    wrong = [
        f"{name}:{node.lineno}"
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith(("django.db.models.signals", "django.dispatch"))
    ]
    assert wrong == []


def test_front_end_packages_are_pinned():
    package = json.loads((ROOT / "package.json").read_text())
    assert all(re.fullmatch(r"\d+\.\d+\.\d+.*", version) for version in package["dependencies"].values())
