"""What a user can mend: one line that says what was expected, what came, and what to do."""

LONGEST = 10_000
"""Characters of an error's line: a list of what is wrong may be long, what came from outside may be endless."""


class BenchError(Exception):
    """A request that cannot be carried out. The command line prints it as one line and exits with status 2."""

    def __init__(self, message: str):
        # A name from outside may hold newlines or control characters; the promise is one line.
        line = printable(message)
        super().__init__(line if len(line) <= LONGEST else f"{line[: LONGEST - 20]} ... (cut here)")


def printable(text: str) -> str:
    """Text from outside for one line of a terminal: control characters, newlines, lone surrogates are spelled out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def unknown(kind: str, given: str, known: list[str]) -> BenchError:
    """The error for a name that is in no registry: what came, the nearest known names, and all of them."""
    import difflib

    near = difflib.get_close_matches(given, known, n=3, cutoff=0.5)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    return BenchError(f"unknown {kind} {given!r}.{hint} Available: {', '.join(known) or 'none'}.")
