"""Optional pretrained weights: the file a user names, the one in torch's cache, or a download that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import files
from bench.errors import BenchError

DOWNLOAD = "download"
"""What a user says instead of a file to have it fetched."""
NONE = "none"
"""What a user says to leave weights out although the cache has them."""


@dataclass(frozen=True)
class Published:
    """A weights file that others publish.

    Attributes:
        what: in words.
        url: where; the file's name is the last part.
        sha256: the first digits of its SHA-256, as its name promises.
        option: the command-line option that names such a file.
        any_width: whether it serves networks of every width, as one that only judges does.
    """

    what: str
    url: str
    sha256: str
    option: str
    any_width: bool = False

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def how(self) -> str:
        """How to get it, without a path: it stands in records, which other machines read."""
        return f"Give {self.option} {DOWNLOAD}, or {self.option} FILE with the file from {self.url}."

    def cached(self) -> Path:
        """Its place in torch's cache (which TORCH_HOME moves), whether there or not."""
        import torch.hub

        return Path(torch.hub.get_dir()) / "checkpoints" / self.name

    def find(self, option: str | Path | None = None) -> Path | str:
        """The file, its checksum verified; or one line that says why there is none and how to get it.

        Args:
            option: a file, `download`, `none`, or None for what the cache holds.

        Raises:
            BenchError: the file that the user named is missing or another one, or the download failed.
        """
        if option == NONE:
            return f"left out by {self.option} {NONE}."
        if option == DOWNLOAD:
            return self.download()
        path = self.cached() if option is None else Path(option)
        if not path.is_file():
            if option is not None:
                raise BenchError(f"no file at {path}. {self.how}")
            return f"needs {self.what}. {self.how}"
        digest = files.sha256(path)
        if digest.startswith(self.sha256):
            return path
        wrong = f"expected SHA-256 {self.sha256}…, got {digest[:8]}…"
        if option is not None:
            raise BenchError(f"{path} is not {self.what}: {wrong}. {self.how}")
        return f"the file in torch's cache is not {self.what}: {wrong}; delete it. {self.how}"

    def download(self) -> Path:
        """Fetch it into torch's cache, unless it is there.

        Raises:
            BenchError: it cannot be fetched or written, or what came is another file.
        """
        import http.client

        import torch.hub

        found = self.find()
        if isinstance(found, Path):
            return found
        place = self.cached()
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(self.url, str(place), hash_prefix=self.sha256, progress=True)
        except (OSError, http.client.HTTPException, RuntimeError) as error:  # RuntimeError: another checksum
            raise BenchError(
                f"could not fetch {self.what} from {self.url}: {error}. Fetch it elsewhere and give {self.option} FILE."
            ) from error
        return place


def tensors_of(path: Path) -> dict[str, Any]:
    """The tensors of a PyTorch file by name, read without running any code in it; none where it holds no dictionary.

    Raises:
        BenchError: it is damaged, or holds something else than plain tensors.
    """
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception:  # a damaged file fails in many ways: unpickling, zip, an index, a struct, an assertion
        raise BenchError(f"{path} holds no plain tensors; get it again.") from None
    return {str(key): value for key, value in state.items()} if isinstance(state, dict) else {}
