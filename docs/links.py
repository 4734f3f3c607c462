"""Check a built site's links without a network: every page, file and anchor must be there; other sites are listed.

`python docs/links.py out/site` prints the other sites, then what leads nowhere, and ends with 1 if anything does.
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

__all__ = ["Page", "dead", "elsewhere", "fetched", "pages"]

LINKS = {"a": "href", "area": "href"}
# what a browser fetches by itself when it shows a page
FETCHED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(NamedTuple):
    """One page: its anchors, where it leads, and what it fetches."""

    anchors: frozenset[str]
    links: tuple[str, ...]
    fetches: tuple[str, ...]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: dict[str, list[str]] = {"links": [], "fetches": []}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an anchor and a link."""
        found = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := found.get(name))}
        for kind, table in (("links", LINKS), ("fetches", FETCHED)):
            if tag in table and (target := found.get(table[tag])):
                self.links[kind].append(target)


def pages(site: Path) -> dict[Path, Page]:
    """Return every page of a site by its path in it."""
    found: dict[Path, Page] = {}
    for file in sorted(site.rglob("*.html")):
        reader = _Reader()
        reader.feed(file.read_text(encoding="utf-8"))
        links = (tuple(dict.fromkeys(reader.links[kind])) for kind in ("links", "fetches"))
        found[file.relative_to(site)] = Page(frozenset(reader.anchors), *links)
    return found


def _leaves(target: str) -> bool:
    return bool(urlsplit(target).scheme or urlsplit(target).netloc)


def elsewhere(found: dict[Path, Page]) -> list[str]:
    """Return the links to other sites, each once."""
    return sorted({target for page in found.values() for target in page.links if _leaves(target)})


def fetched(found: dict[Path, Page]) -> list[str]:
    """Return what a page takes from another site by itself: with any of it the site would need a network."""
    everything = {target for page in found.values() for target in page.fetches}
    return sorted(target for target in everything if _leaves(target) and not target.startswith("data:"))


def dead(site: Path, found: dict[Path, Page]) -> Iterator[str]:
    """Return an iterator over the links inside the site that lead nowhere, each with its page."""
    for path, page in found.items():
        for target in (*page.links, *page.fetches):
            if _leaves(target):
                continue
            parts = urlsplit(target)
            file = (site / path.parent / unquote(parts.path)).resolve() if parts.path else (site / path).resolve()
            if not file.is_file():
                yield f"{path}: {target} is not there"
            elif parts.fragment and file.suffix == ".html":
                there = found.get(file.relative_to(site.resolve()))
                if there is None or unquote(parts.fragment) not in there.anchors:
                    yield f"{path}: {target} has no such anchor"


def main(site: Path) -> int:
    """Print what a site links to, and return 1 where something leads nowhere or needs a network."""
    found = pages(site)
    print(f"{len(found)} pages; links to other sites, which are not followed:")
    print("\n".join(f"  {target}" for target in elsewhere(found)))
    trouble = [*dead(site, found), *(f"a page fetches {target}" for target in fetched(found))]
    print("\n".join(trouble), file=sys.stderr, end="\n" if trouble else "")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
