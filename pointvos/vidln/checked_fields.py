"""Fields of JSON objects, checked; errors name where, what was expected and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pointvos.core.errors import InputError

MAX_NUMBER = 2**53  # the integers that a double holds exactly
MAX_TEXT = 100_000  # characters; a published caption has some 200


def object_at(value: Any, where: str) -> dict[str, Any]:
    """`value` as a JSON object."""
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected an object, found {shown(value)}")
    return value


def list_at(holder: Mapping[str, Any], name: str, where: str) -> list[Any]:
    """A list that must be there."""
    value = present(holder, name, where)
    if not isinstance(value, list):
        raise InputError(f"{where}.{name}: expected a list, found {shown(value)}")
    return value


def list_or_none(holder: Mapping[str, Any], name: str, where: str) -> list[Any] | None:
    """A list that may be null or missing."""
    return None if holder.get(name) is None else list_at(holder, name, where)


def int_at(holder: Mapping[str, Any], name: str, where: str) -> int:
    """An integer that must be there."""
    return as_int(present(holder, name, where), f"{where}.{name}")


def int_or_none(holder: Mapping[str, Any], name: str, where: str) -> int | None:
    """An integer that may be null or missing."""
    return None if holder.get(name) is None else int_at(holder, name, where)


def text_at(holder: Mapping[str, Any], name: str, where: str) -> str:
    """Text that must be there."""
    return as_text(present(holder, name, where), f"{where}.{name}")


def text_or_none(holder: Mapping[str, Any], name: str, where: str) -> str | None:
    """Text that may be null or missing."""
    return None if holder.get(name) is None else text_at(holder, name, where)


def span_of(value: Any, where: str) -> tuple[int, int]:
    """A pair [start, end)."""
    if not (isinstance(value, list) and len(value) == 2):
        raise InputError(f"{where}: expected [start, end], found {shown(value)}")
    return as_int(value[0], f"{where}[0]"), as_int(value[1], f"{where}[1]")


def present(holder: Mapping[str, Any], name: str, where: str) -> Any:
    """A field that must be there."""
    if name not in holder:
        raise InputError(f"{where}.{name}: expected this field, found none")
    return holder[name]


def as_int(value: Any, where: str) -> int:
    """An integer; 3.0 is one, true is none."""
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if not isinstance(whole, int) or isinstance(whole, bool) or abs(whole) > MAX_NUMBER:
        raise InputError(f"{where}: expected an integer within ±2^53, found {shown(value)}")
    return whole


def as_text(value: Any, where: str) -> str:
    """Text of a sane length that can be written as UTF-8."""
    if not isinstance(value, str):
        raise InputError(f"{where}: expected text, found {shown(value)}")
    if len(value) > MAX_TEXT:
        raise InputError(
            f"{where}: expected text of at most {MAX_TEXT} characters, found {len(value)}"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{where}: expected Unicode text, found half a surrogate pair") from error
    return value


def shown(value: Any) -> str:
    """A value for a message, shortened."""
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    if isinstance(value, int) and abs(value) > MAX_NUMBER:
        return "a number beyond ±2^53"  # of perhaps thousands of digits
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
