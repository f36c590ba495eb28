"""`python tools/site`: builds the documentation site, and fails on any warning and any dead link.

Links within the site are checked down to their anchors; links to other sites are not fetched. The site is in build/docs;
its first page is index.html.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sphinx.cmd.build import build_main

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools.site.links import dead

CONFIGURATION = Path(__file__).parent
FIRST_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=docs/_index.html">
<link rel="canonical" href="docs/_index.html">
<title>Outlit for Pulumi</title>
<p><a href="docs/_index.html">Outlit for Pulumi</a></p>
</html>
"""
"""The Registry wants the first page to be docs/_index.md; a web server wants it to be index.html."""


def main() -> int:
    """Builds and checks the site; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python tools/site", description=__doc__)
    parser.add_argument("--source", type=Path, default=ROOT, help="the repository, by default this one")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "docs", help="where the site goes")
    wanted = parser.parse_args()
    site = wanted.out.resolve()
    for page in site.rglob("*.html"):
        page.unlink()  # those of an earlier build, which may be gone from the source
    options = ["-q", "-E", "-n", "-W", "--keep-going", "-b", "html", "-c", str(CONFIGURATION)]
    doctrees = ["-d", str(site.with_name(f"{site.name}.doctrees"))]
    code = build_main([*options, *doctrees, str(wanted.source.resolve()), str(site)])
    if not site.is_dir():
        return code or 1
    (site / "index.html").write_text(FIRST_PAGE, encoding="utf-8")
    if found := list(dead(site)):
        print("Dead links:", *found, sep="\n  ", file=sys.stderr)
        code = 1
    if code == 0:
        print(f"The site is in {site}: open index.html")
    return code


if __name__ == "__main__":
    sys.exit(main())
