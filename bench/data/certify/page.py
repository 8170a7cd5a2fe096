"""The certificate as one HTML file for people: no network, no font, no script, and nothing from outside unescaped."""

from __future__ import annotations

import base64
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.data import png
from bench.data.labels import DRAWN
from bench.data.manifest import Item, Manifest, target_path
from bench.errors import printable

if TYPE_CHECKING:
    from jinja2 import Environment

SHOWN = DRAWN
"""Collections whose pictures are ours to pass on; those of others belong to their authors and stay where they are."""

PICTURE = 128
"""Largest side of a picture on the page, in pixels."""

QUALITY = 85
"""Of its JPEG."""

MOST = 100
"""So many findings of a kind are listed on the page; the JSON has all."""

HEIGHT = 120
"""Of the histogram, in units of its drawing."""


def page(certificate: dict[str, Any], manifest: Manifest, show: bool = False) -> str:
    """The HTML document.

    Args:
        certificate: from `certify`.
        manifest: brings the pictures.
        show: show pictures also of a collection that this project has not drawn.
    """
    body = certificate["body"]
    pictures = Pictures(manifest) if show or manifest.collection in SHOWN else None
    return _environment().get_template("page.html.j2").render(
        body=body,
        digest=certificate["sha256"],
        picture=None if pictures is None else pictures.address,
        bars=bars(body["compared"]["nearest of another group"], body["planted"]["likeness"]),
        height=HEIGHT,
        most=MOST,
        totals={
            name: sum(kind[name] for kind in body["planted"]["kinds"])
            for name in ("copies", "found", "pairs with other groups", "false alarms")
        },
        licences=_by_licence(body["licences"]),
    )  # fmt: skip


class Pictures:
    """Data addresses of pictures, each made once.

    Args:
        manifest: of the collection.
    """

    def __init__(self, manifest: Manifest):
        self._manifest = manifest
        self._items: dict[tuple[str, str], Item] = {(item.domain, item.id): item for item in manifest.items}
        self._made: dict[tuple[str, str], str] = {}

    def address(self, named: dict[str, str]) -> str:
        """The `data:` address of an image, a JPEG of at most `PICTURE` pixels a side."""
        key = named["domain"], named["id"]
        if key not in self._made:
            self._made[key] = self._encoded(self._items[key])
        return self._made[key]

    def _encoded(self, item: Item) -> str:
        import cv2

        size = self._manifest.size
        image = png.read(target_path(self._manifest.root, item), (size, size, 3))
        if size > PICTURE:
            image = cv2.resize(image, (PICTURE, PICTURE), interpolation=cv2.INTER_AREA)
        _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode('ascii')}"


def bars(different: list[int], copies: list[int]) -> list[dict[str, float]]:
    """The two histograms as shares of their sums, for drawing: heights of at most `HEIGHT`, one scale for both."""
    sums = [max(sum(counts), 1) for counts in (different, copies)]
    shares = [(one / sums[0], two / sums[1]) for one, two in zip(different, copies, strict=True)]
    top = max((max(pair) for pair in shares), default=0) or 1
    return [{"different": round(HEIGHT * one / top, 1), "copies": round(HEIGHT * two / top, 1)} for one, two in shares]


def _by_licence(licences: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Credits under their licences, with the number of images."""
    found: dict[str, dict[str, Any]] = {}
    for entry in licences:
        one = found.setdefault(entry["licence"], {"licence": entry["licence"], "images": {}, "credits": []})
        one["credits"].append({"credit": entry["credit"], "images": sum(entry["images"].values())})
        for domain, count in entry["images"].items():
            one["images"][domain] = one["images"].get(domain, 0) + count
    return list(found.values())


def _share(part: int, whole: int) -> str:
    """A share in per cent: never rounded up to 100 or down to 0."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    text = f"{percent:.1f}"
    if part and text == "0.0":
        return "< 0.1 %"
    return "> 99.9 %" if part < whole and text == "100.0" else f"{text.removesuffix('.0')} %"


def _whole(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


@cache
def _environment() -> Environment:
    """Autoescape everywhere; text from outside also has its control characters and lone surrogates spelled out."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bench.data.certify"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update({"plain": lambda text: printable(str(text)), "share": _share, "whole": _whole})
    return environment
