"""Folders in a place that many machines reach but none of them has mounted: each is there whole, or not at all.

A folder's files are stored under the digests of their contents, and a manifest that names them is written last.
Nothing that is stored is ever changed: until the new manifest lies there, whoever fetches gets the folder as it was
before. What is fetched is checked against its digests before it takes its name.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import uuid
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from bench.errors import BenchError
from bench.files import PART, held, sha256, sweep

MANIFEST = "manifest.json"
TRIES = 3
"""How often a folder is fetched anew that somebody stores anew meanwhile."""


class Store:
    """A place that fsspec reaches: `s3://bucket/folder`, `gs://...`, `file:///folder`, `memory://folder`.

    Args:
        url: of the place.

    Raises:
        BenchError: fsspec is not installed, or knows no such kind of place.
    """

    def __init__(self, url: str):
        try:
            from fsspec.core import url_to_fs
        except ModuleNotFoundError:
            raise BenchError("--store needs fsspec: pip install -e '.[cluster]' in ChromaBench's folder") from None
        try:
            system, root = url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise BenchError(
                f"--store {url}: {error}; give a URL such as s3://bucket/folder or file:///folder."
            ) from None
        self._system: Any = system
        self._root = str(root).rstrip("/")

    def put(self, folder: Path, name: str) -> None:
        """Store a folder under a name. Files that are under way (`.*.part`) and claims stay out.

        Args:
            folder: on this machine.
            name: a path in the store, `/` between its parts.
        """
        place = f"{self._root}/{name}"
        files = {}
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
            digest = sha256(path)
            files[path.relative_to(folder).as_posix()] = digest
            if not self._system.exists(f"{place}/{digest}"):
                self._write(f"{place}/{digest}", path.read_bytes())
        text = json.dumps(files, sort_keys=True)
        whole = {"files": files, "sha256": hashlib.sha256(text.encode()).hexdigest()}
        self._write(f"{place}/{MANIFEST}", json.dumps(whole).encode())
        for old in self._system.ls(place, detail=False):
            # What ends in `.part` another command may be storing at this moment.
            if (stored := PurePosixPath(old).name) not in {MANIFEST, *files.values()} and not stored.endswith(".part"):
                with suppress(FileNotFoundError):
                    self._system.rm_file(old)

    def put_file(self, path: Path, name: str) -> None:
        """Store a file under a name as it is, whole or not at all; an older one is replaced."""
        self._write(f"{self._root}/{name}", path.read_bytes())

    def has(self, name: str) -> bool:
        """Whether a folder is stored under a name, as far as its manifest tells."""
        return self._manifest(name) is not None

    def files(self, name: str) -> list[str]:
        """The files of a stored folder, by their paths in it; none where there is no such folder."""
        return list(self._manifest(name) or ())

    def names(self, under: str) -> list[str]:
        """The names of the folders stored under a path, sorted."""
        self._system.invalidate_cache()  # others store too
        try:
            found = [PurePosixPath(path) for path in self._system.find(f"{self._root}/{under}")]
        except FileNotFoundError:
            return []
        folders = [path.parent.relative_to(self._root) for path in found if path.name == MANIFEST]
        return sorted(folder.as_posix() for folder in folders if ".." not in folder.parts)

    def remove(self, name: str) -> None:
        """Remove a stored folder, if there is one."""
        with suppress(FileNotFoundError):
            self._system.rm_file(f"{self._root}/{name}/{MANIFEST}")  # first, so that no half of it is fetched
            self._system.rm(f"{self._root}/{name}", recursive=True)

    def get(self, name: str, folder: Path) -> bool:
        """Fetch a folder; one that was there before is replaced.

        Args:
            name: as for `put`.
            folder: where it goes.

        Returns:
            Whether there is such a folder, whole.

        Raises:
            BenchError: a stored file is not what its digest says, or is missing.
        """
        for _ in range(TRIES):
            files = self._manifest(name)
            if files is None:
                return False
            folder.parent.mkdir(parents=True, exist_ok=True)
            sweep(folder.parent)  # of processes that were killed
            with held(partial(tempfile.mkdtemp, dir=folder.parent, prefix=".fetched-", suffix=PART)) as beside:
                fetched = beside / folder.name
                fetched.mkdir()
                if all(self._fetch(f"{name}/{digest}", fetched / path, digest) for path, digest in files.items()):
                    shutil.rmtree(folder, ignore_errors=True)
                    fetched.replace(folder)
                    return True
        raise BenchError(f"{name} in the store {self._root} is damaged: a file is missing or changed; delete it there.")

    def _fetch(self, source: str, target: Path, digest: str) -> bool:
        try:
            data = self._system.cat_file(f"{self._root}/{source}")
        except FileNotFoundError:
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return hashlib.sha256(data).hexdigest() == digest

    def _manifest(self, name: str) -> dict[str, str] | None:
        """The files of a stored folder and their digests; None where its manifest is missing or cut short."""
        try:
            whole = json.loads(self._system.cat_file(f"{self._root}/{name}/{MANIFEST}"))
            files = whole["files"]
            sound = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest() == whole["sha256"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return files if sound and isinstance(files, dict) and all(map(_inside, files)) else None

    def _write(self, place: str, data: bytes) -> None:
        """Write a file whole or not at all: beside its place, then moved there."""
        self._system.makedirs(place.rpartition("/")[0], exist_ok=True)
        beside = f"{place}.{uuid.uuid4().hex}.part"
        self._system.pipe_file(beside, data)
        self._system.mv(beside, place)


def _inside(path: str) -> bool:
    """Whether a path names a file inside the folder that it is relative to."""
    place = PurePosixPath(path)
    return bool(place.parts) and not place.is_absolute() and ".." not in place.parts and "\0" not in path
