"""Plain facts (what JSON holds) into the record's types, field by field: the first that is not sound is named.

This is the reading that finds the words; `bench.records.folder` reads sound files many times faster and comes here with
the others.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from bench.errors import BenchError
from bench.records.facts import HUGE

_SURROGATE = re.compile("[\ud800-\udfff]")


def refusal(where: str, expected: str, got: object) -> BenchError:
    """The one line that says which field, what was expected and what came."""
    shown = repr(got)
    return BenchError(f"field {where}: expected {expected}, got {shown if len(shown) <= 80 else shown[:77] + '...'}")


def refuse(where: str, expected: str, got: object) -> NoReturn:
    """Raise `refusal`."""
    raise refusal(where, expected, got)


def shaped(hint: Any, value: Any, where: str = "") -> Any:
    """Make `value` what the type says.

    Args:
        hint: a dataclass, or the type of one of its fields.
        value: plain facts.
        where: the field, such as `scores.psnr.value`.

    Raises:
        BenchError: something is missing, unknown or not sound; it names the first such field.
    """
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        if value is None:
            return None
        (hint,) = (option for option in get_args(hint) if option is not NoneType)
        return shaped(hint, value, where)
    if origin is Literal:
        return value if value in get_args(hint) else refuse(where, " or ".join(get_args(hint)), value)
    if origin is tuple:
        items = value if isinstance(value, (list, tuple)) else refuse(where, "a list", value)
        return tuple(shaped(get_args(hint)[0], item, f"{where}[{place}]") for place, item in enumerate(items))
    if is_dataclass(hint) and isinstance(hint, type):
        return _fields(hint, value, where)
    if origin is dict:
        pairs = value if isinstance(value, dict) else refuse(where, "an object", value)
        for name in pairs:
            if not _whole(name):
                refuse(where, "names that are text", name)
        return {name: shaped(get_args(hint)[1], item, f"{where}.{name}") for name, item in pairs.items()}
    if hint is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < HUGE
        return float(value) if number else refuse(where, "a finite number", value)
    if hint is int:
        return value if type(value) is int and value >= 0 else refuse(where, "an integer from 0 up", value)
    if hint is str:
        return value if _whole(value) else refuse(where, "text", value)
    return free(value, where)


def faults(hint: Any, value: Any, where: str = "") -> Iterator[str]:
    """A line for every field that `shaped` would refuse, not only for the first; arguments as there."""
    if get_origin(hint) in (Union, UnionType) and value is not None:
        hint = next(option for option in get_args(hint) if option is not NoneType)
    inside = get_args(hint)[1] if get_origin(hint) is dict else None
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        yield from _fields_faults(hint, value, f"{where}." if where else "")
    elif is_dataclass(inside) and isinstance(value, dict) and all(map(_whole, value)):
        for name, item in value.items():
            yield from faults(inside, item, f"{where}.{name}")
    else:
        try:
            shaped(hint, value, where)
        except BenchError as error:
            yield str(error)


def _fields_faults(kind: type, pairs: dict[str, Any], prefix: str) -> Iterator[str]:
    hints = _hints(kind)
    for name in sorted(pairs.keys() - hints.keys()):
        yield str(refusal(f"{prefix}{name}", f"one of {', '.join(hints)}", name))
    for item in fields(kind):
        if item.name in pairs:
            yield from faults(hints[item.name], pairs[item.name], f"{prefix}{item.name}")
        elif item.default is MISSING and item.default_factory is MISSING:
            yield f"field {prefix}{item.name}: missing"


def _fields(kind: type, value: Any, where: str) -> Any:
    pairs = value if isinstance(value, dict) else refuse(where, "an object", value)
    hints = _hints(kind)
    prefix = f"{where}." if where else ""
    for name in pairs:
        if name not in hints:
            refuse(f"{prefix}{name}", f"one of {', '.join(hints)}", name)
    parsed = {}
    for item in fields(kind):
        if item.name in pairs:
            parsed[item.name] = shaped(hints[item.name], pairs[item.name], f"{prefix}{item.name}")
        elif item.default is MISSING and item.default_factory is MISSING:
            raise BenchError(f"field {prefix}{item.name}: missing")
    return kind(**parsed)


def free(value: Any, where: str) -> Any:
    """Anything JSON can hold, with finite numbers.

    Raises:
        BenchError: as `shaped`.
    """
    if isinstance(value, str):
        return shaped(str, value, where)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return shaped(float, value, where)
    if isinstance(value, Mapping):
        return {shaped(str, str(name), where): free(item, f"{where}.{name}") for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [free(item, f"{where}[{place}]") for place, item in enumerate(value)]
    return refuse(where, "JSON", value)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _whole(value: object) -> bool:
    """Whether it is text that a file can hold: half a character, which JSON can spell, is none."""
    return isinstance(value, str) and (value.isascii() or _SURROGATE.search(value) is None)
