"""Held-out images that are copies of what another split holds: the search of the certificate, put to use."""

from dataclasses import replace

from bench.data.manifest import LeftOut, Manifest, page_path, target_path

_FIRST_OUT = ("val", "test", "series")
"""Of two copies the image of the earlier of these splits goes; train keeps all it has."""


def without_copies(manifest: Manifest) -> Manifest:
    """The collection without val, test and series images that are copies of images in another split.

    Series gives way to train, test to both, val to all. The files of what is left out are removed.

    Args:
        manifest: of images on disk, as `certify` takes it.

    Returns:
        The manifest with the rest, and with what was left out and for which image.

    Raises:
        BenchError: naming an image that is missing, damaged or changed.
    """
    from bench.data.certify.copies import across
    from bench.data.certify.pictures import Pictures

    pictures = Pictures(manifest, lambda place, image: None)
    pairs = [pair for pair in across(pictures) if pair.copy]
    gone: dict[tuple[str, str], LeftOut] = {}
    for split in _FIRST_OUT:
        for pair in pairs:
            two = pictures.items[pair.first], pictures.items[pair.second]
            if any((item.domain, item.id) in gone for item in two):
                continue
            for item, other in (two, two[::-1]):
                if item.split == split:
                    reason = f"a copy of {other.domain}/{other.id}, which is in {other.split}; it would be in {split}"
                    gone[item.domain, item.id] = LeftOut(item.source, reason)
                    for path in (target_path(manifest.root, item), page_path(manifest.root, item)):
                        path.unlink(missing_ok=True)
    items = tuple(item for item in manifest.items if (item.domain, item.id) not in gone)
    left_out = sorted([*manifest.left_out, *gone.values()], key=lambda left: left.source)
    return replace(manifest, items=items, left_out=tuple(left_out))
