"""The commands under `bench data`: collections, from folders, from the network, drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bench.cli.terminal import HOME, Home, Json, Size, table
from bench.errors import BenchError, printable, unknown
from bench.types import DOMAINS, EVALUATED_SPLITS, SPLITS

Clips = Annotated[
    bool, typer.Option("--clips", help="Its clips, which the tracks with a previous frame are played on.")
]

data = typer.Typer(no_args_is_help=True, help="Collections: add, fetch, show, certify, export, ...")


@data.command("add")
def data_add(
    name: Annotated[str, typer.Argument(help="The collection's name, such as my-show.")],
    path: Annotated[Path, typer.Argument(help="An image, a video, or a folder of them.")],
    domain: Annotated[str | None, typer.Option("--domain", help=f"{', '.join(DOMAINS)}, or your own.")] = None,
    size: Annotated[int, typer.Option("--size", min=32, max=1024, help="Side of the standardized images.")] = 128,
    group_by: Annotated[
        str | None, typer.Option("--group-by", help="What must not cross splits: folder, prefix or image.")
    ] = None,
    every: Annotated[
        str, typer.Option("--every", help="From one frame of a video to the next: 60 (frames), or 2.5s (seconds).")
    ] = "1s",
    recipe: Annotated[str | None, typer.Option("--recipe", help="A known data set: see bench data recipes.")] = None,
    legacy: Annotated[
        bool, typer.Option("--legacy-shuffled", help="Split as the paper did, leaks and all, to measure the leak.")
    ] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Take a recipe's folder that lacks files.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many of a recipe's images.")] = None,
    skip_damaged: Annotated[bool, typer.Option("--skip-damaged", help="List damaged files and go on.")] = False,
    home: Home = HOME,
) -> None:
    """Turn images and videos into standardized splits; videos also give clips for the temporal tracks. Resumes.

    Example: bench data add my-show ~/episodes --domain anime --every 60
    """
    from bench import progress
    from bench.data import recipes
    from bench.data.folder import add
    from bench.data.recipes.preparing import LEGACY

    if recipe is None:
        if domain is None:
            raise BenchError(f"say what it is with --domain: {', '.join(DOMAINS)}, or a word of your own.")
        if name.endswith(LEGACY):
            raise BenchError(f"a name that ends in {LEGACY} says that its splits leak; choose another.")
        if legacy or partial or limit is not None:
            raise BenchError("--legacy-shuffled, --partial and --limit belong to a --recipe; see: bench data recipes")
        with progress.steps(f"adding {name}") as report:
            manifest = add(home, name, path, domain, size, group_by, skip_damaged, report, every)
    else:
        least = 0.0 if partial else recipes.WHOLE
        with progress.steps(f"adding {name}") as report:
            manifest = recipes.add(
                home, recipe, path, size, legacy, report,
                name=name, domain=domain, at_least=least, limit=limit, skip_damaged=skip_damaged,
            )  # fmt: skip
    _describe(manifest)


@data.command("recipes")
def data_recipes(
    recipe: Annotated[str | None, typer.Argument(help="One recipe, in full.")] = None, as_json: Json = False
) -> None:
    """The data sets of the papers and the field: where to get them, their terms, how they are split.

    Example: bench data recipes anime-sketch-pair
    """
    from bench.data import recipes

    if recipe is not None:
        print(recipes.described(recipe))
        return
    rows = recipes.rows()
    shown = ("recipe", "data set", "domain", "legacy-shuffled", "where")
    table(rows if as_json else [{key: row[key] for key in shown} for row in rows], as_json)


@data.command("export")
def data_export(
    name: Annotated[str, typer.Argument(help="The collection.")],
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    format: Annotated[str, typer.Option("--format", help="hf, parquet or webdataset.")] = "hf",
    size: Size = None,
    clips: Clips = False,
    home: Home = HOME,
) -> None:
    """Write a collection's splits as a Hugging Face folder, as parquet, or as WebDataset shards: stills, or --clips.

    Example: bench data export procedural-v1 out --format webdataset --size 64
    """
    from bench import progress
    from bench.data import interchange
    from bench.data.collections import open_collection

    with progress.steps(f"preparing {name}") as report:
        manifest = open_collection(home, name, size, report, clips)
    with progress.steps(f"exporting {name}") as report:
        print(interchange.export_split(manifest, folder, format, report))


@data.command("import")
def data_import(
    name: Annotated[str, typer.Argument(help="What to call it here; under its old name every key is as it was.")],
    folder: Annotated[Path, typer.Argument(help="A folder that bench data export wrote.")],
    size: Size = None,
    home: Home = HOME,
) -> None:
    """Read splits that were exported; every image is compared with its digest.

    Example: bench data import my-show out
    """
    from bench import progress
    from bench.data import interchange

    with progress.steps(f"importing {name}") as report:
        manifest = interchange.import_split(home, name, folder, size, report)
    _describe(manifest)


@data.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="open-v1.")],
    mirror: Annotated[
        Path | None, typer.Option("--mirror", help="A folder with the files, instead of the network.")
    ] = None,
    home: Home = HOME,
) -> None:
    """Download a pinned collection; every file is checked by SHA-256. Resumes.

    Example: bench data fetch open-v1
    """
    from bench import progress
    from bench.data import open_v1

    if name != "open-v1":
        raise unknown("collection to fetch", name, ["open-v1"])
    with progress.steps(f"fetching {name}") as report:
        count = open_v1.fetch(home, mirror, report)
    print(f"{name}: {count} files, every checksum right. Next: bench train-baselines --collection {name} --size 64")


@data.command("credits")
def data_credits(as_json: Json = False) -> None:
    """Who made the pictures of open-v1, under which licences. The HTML report says so too.

    Example: bench data credits --json
    """
    from bench.data import open_v1

    rows = ((", ".join(credit.domains), credit.files, credit.text) for credit in open_v1.credits())
    table([dict(zip(("domain", "files", "licence and credit"), row, strict=True)) for row in rows], as_json)


@data.command("list")
def data_list(as_json: Json = False, home: Home = HOME) -> None:
    """The collections on this machine, with images by domain and split.

    Example: bench data list
    """
    from bench.data.collections import known

    table(known(home), as_json)


@data.command("show")
def data_show(name: str, size: Size = None, clips: Clips = False, home: Home = HOME) -> None:
    """A collection's splits, digests, notes and what was left out.

    Example: bench data show open-v1 --size 64
    """
    from bench import progress
    from bench.data.collections import open_collection

    with progress.steps(f"preparing {name}") as report:
        manifest = open_collection(home, name, size, report, clips)
    _describe(manifest, full=True)


@data.command("verify")
def data_verify(name: str, size: Size = None, clips: Clips = False, home: Home = HOME) -> None:
    """Decode every image of a collection and compare its digest. Exit 1 if one differs.

    Example: bench data verify procedural-v1 --size 64
    """
    from bench import progress
    from bench.data.collections import folder, open_collection
    from bench.data.manifest import verify

    with progress.steps(f"preparing {name}") as report:
        manifest = open_collection(home, name, size, report, clips)
    problems = verify(manifest)
    for line in problems:
        print(line)
    kind = "clip frames" if clips else "images"
    print(f"{name} at {manifest.size} px: {len(manifest.items)} {kind}, {len(problems)} problems")
    if not clips and (folder(home, name, manifest.size, clips=True) / "manifest.json").is_file():
        print("its clips were not looked at: add --clips")
    raise typer.Exit(1 if problems else 0)


@data.command("certify")
def data_certify(
    name: Annotated[str, typer.Argument(help="The collection.")],
    size: Size = None,
    clips: Clips = False,
    out: Annotated[Path, typer.Option("--out", help="Folder for the certificate and its page.")] = Path("reports"),
    show: Annotated[
        bool,
        typer.Option(
            "--show", help="Put the pictures on the page also of a collection that this project has not drawn."
        ),
    ] = False,
    check: Annotated[
        Path | None, typer.Option("--check", help="Compare a certificate with the collection instead of making one.")
    ] = None,
    home: Home = HOME,
) -> None:
    """Look for leaks between splits: shared groups, pages, shots, and copies. Exit 1 if there is one.

    The search is measured on planted copies of the collection's own images, and the closest pairs are shown.

    Example: bench data certify open-v1 --size 64
    """
    from bench import progress
    from bench.data import certify
    from bench.data.certify.leaks import advice
    from bench.data.collections import open_collection

    with progress.steps(f"preparing {name}") as report:
        manifest = open_collection(home, name, size, report, clips)
    if check is not None:
        problems = certify.verify(check, manifest)
        print("\n".join(problems) or f"{check}: unchanged, and of these splits")
        raise typer.Exit(1 if problems else 0)
    with progress.steps(f"certifying {name}") as report:
        certificate = certify.certify(manifest, report)
    signed, page = certify.write(certificate, manifest, out, show)
    verdict = certificate["body"]["verdict"]
    print(
        f"{name} at {manifest.size} px: {verdict['copies']} pairs of copies across splits, "
        f"{verdict['copies in other domains']} across domains, {verdict['crossings']} groups, pages or shots in splits "
        f"that must not share them\n{signed}\n{page}"
    )
    if not verdict["clean"]:
        print(printable(advice(manifest, certificate["body"])))
    raise typer.Exit(0 if verdict["clean"] else 1)


def _describe(manifest: Any, full: bool = False) -> None:
    rows = []
    for domain in manifest.domains:
        counts = manifest.counts()[domain]
        row: dict[str, Any] = {"domain": domain, **{name: counts.get(name, 0) for name in SPLITS}}
        keys = [manifest.split(domain, name).key for name in EVALUATED_SPLITS if name in counts]
        rows.append(row | {"keys": " ".join(keys)})
    print(f"{manifest.collection} at {manifest.size} px{', clips' if manifest.clips else ''}")
    table(rows, as_json=False)
    for note in manifest.notes:
        print(f"note: {printable(note)}")
    left_out = manifest.left_out if full else manifest.left_out[:10]
    for left in left_out:
        print(f"left out: {printable(left.source)}: {printable(left.reason)}")
    if len(left_out) < len(manifest.left_out):
        print(f"left out: {len(manifest.left_out)} files in all; see bench data show {manifest.collection}")
