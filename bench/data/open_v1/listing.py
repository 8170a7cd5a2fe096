"""The pinned files of open-v1: which, by whom, under which licence, and how they come here."""

import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from bench import files
from bench.data.building import Progress
from bench.data.manifest import ordered_domains
from bench.errors import BenchError

NAME = "open-v1"

ORIGIN = "https://raw.githubusercontent.com"
CONNECTIONS = 8
ATTEMPTS = 3
GIVE_UP = 20
"""So many failed downloads and not one good: the network is away, and the rest would fail as slowly."""


@dataclass(frozen=True)
class Row:
    """One pinned file: a line of the package's list, whose header names the fields."""

    domain: str
    kind: str
    group: str
    pair: str
    repo: str
    commit: str
    path: str
    file: str
    bytes: str
    sha256: str
    licence: str

    @property
    def url(self) -> str:
        """Where the file can be downloaded."""
        return f"{ORIGIN}/{self.repo}/{self.commit}/{quote(self.path)}"


@dataclass(frozen=True)
class Credit:
    """Whose files, under which licence, from which repositories: `text` is the licence with its credit."""

    text: str
    domains: tuple[str, ...]
    files: int
    repositories: tuple[str, ...]


def listed() -> tuple[Row, ...]:
    """The pinned files, with their credits."""
    text = resources.files("bench.data.open_v1").joinpath("open-v1.csv").read_text(encoding="utf-8")
    return tuple(Row(**line) for line in csv.DictReader(text.splitlines()))


def credits() -> tuple[Credit, ...]:
    """Every author and licence of the list, those with most files first."""
    rows: dict[str, list[Row]] = {}
    for row in listed():
        rows.setdefault(row.licence, []).append(row)
    found = [
        Credit(
            text=text,
            domains=tuple(ordered_domains({row.domain for row in own})),
            files=len(own),
            repositories=tuple(sorted({row.repo for row in own})),
        )
        for text, own in rows.items()
    ]
    return tuple(sorted(found, key=lambda credit: (-credit.files, credit.text)))


def originals(home: Path) -> Path:
    """The folder of the fetched files."""
    return home / "data" / NAME / "raw"


def fetch(
    home: Path, mirror: Path | None = None, report: Progress | None = None, rows: Sequence[Row] | None = None
) -> int:
    """Bring the pinned originals to `<home>/data/open-v1/raw`. What is there with the right checksum stays.

    Args:
        home: where everything lies.
        mirror: a folder that holds the files under their listed names; None to download them.
        report: called with files done and files in all.
        rows: a part of the list; None for all of it.

    Returns:
        How many files are now there.

    Raises:
        BenchError: with how many files are missing or wrong, and the first of them. None of those is installed.
    """
    rows = listed() if rows is None else rows
    if mirror is not None and not mirror.is_dir():
        raise BenchError(f"expected a folder with the files of {NAME}; {mirror} is none; check --mirror.")
    raw = originals(home)
    wrong: list[str] = []
    fetched = done = 0
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        jobs = {pool.submit(_bring, row, raw, mirror): row for row in rows}
        try:
            for job in as_completed(jobs):
                reason = job.result()
                done += 1
                fetched += reason is None
                if reason is not None:
                    wrong.append(f"{jobs[job].file} ({reason})")
                if report:
                    report(done, len(rows))
                if mirror is None and not fetched and len(wrong) >= GIVE_UP:
                    break
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    if wrong:
        rest = f" and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        untried = f"; {len(rows) - done} were not tried" if done < len(rows) else ""
        remedy = "mend the mirror" if mirror else f"see that {ORIGIN} can be reached"
        raise BenchError(
            f"{len(wrong)} of {len(rows)} files of {NAME} are missing or wrong{untried}: "
            f"{', '.join(sorted(wrong)[:10])}{rest}; {remedy} and give the same command again, it resumes."
        )
    return fetched


def good(row: Row, folder: Path) -> bool:
    """Whether a folder holds a listed file with the bytes that were listed."""
    path = folder / row.file
    return path.is_file() and path.stat().st_size == int(row.bytes) and files.sha256(path) == row.sha256


def require_originals(rows: Sequence[Row], raw: Path, what: str) -> None:
    """Check that all listed files are there as they were listed.

    Args:
        rows: which.
        raw: the folder of the fetched files.
        what: they are called in the error.

    Raises:
        BenchError: naming the first that is missing or changed.
    """
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        lacking = [
            row.file for row, whole in zip(rows, pool.map(lambda r: good(r, raw), rows), strict=True) if not whole
        ]
    if lacking:
        raise BenchError(
            f"{NAME} needs its {len(rows)} {what}; {len(lacking)} are missing or changed, such as {lacking[0]}; "
            f"run `bench data fetch {NAME}`."
        )


def _bring(row: Row, raw: Path, mirror: Path | None) -> str | None:
    """Install one file; the reason why not, or None."""
    import requests

    reason: str | None = None
    if good(row, raw):
        return None
    for _ in range(ATTEMPTS if mirror is None else 1):
        try:
            # The error leaves `whole`, so what is wrong never takes the file's name.
            with files.whole(raw / row.file) as temporary:
                _copy(row, mirror, temporary)
                if files.sha256(temporary) != row.sha256:
                    raise _OtherBytes
            return None
        except _OtherBytes:
            reason = "other bytes than listed"
        except FileNotFoundError:
            reason = "missing"
        except (requests.RequestException, OSError) as error:
            reason = type(error).__name__
    return reason


class _OtherBytes(Exception):
    """What came is not what is listed."""


def _copy(row: Row, mirror: Path | None, to: Path) -> None:
    import pooch

    if mirror is None:
        pooch.HTTPDownloader(timeout=30)(row.url, str(to), None)
    else:
        to.write_bytes((mirror / row.file).read_bytes())
