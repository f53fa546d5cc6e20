"""A mapping from a document -> its shape, or problems that name place, what was found and what was expected.

It knows pydantic's error types, and no rule of its own.
"""

import copy
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from aggregator.feedlist.document import Document, Findings, Place
from aggregator.feedlist.masking import Openness, at_place, masked
from aggregator.feedlist.shapes import Shape
from aggregator.feedlist.units import nearest

S = TypeVar("S", bound=Shape)
_EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of names to values",
}


def shaped(document: Document, place: Place, value: object, shape: type[S], findings: Findings) -> S | None:
    """`value`, which stands at `place`, as a `shape`; every reason why it is none is noted in `findings`.

    What is wrong is then left out, so that the rest can be checked further; None when too little is left. A key that
    is written without a value counts as left out.
    """
    try:
        return shape.model_validate(_written(value))
    except ValidationError as error:
        faults = [typing.cast("Mapping[str, Any]", fault) for fault in error.errors(include_url=False)]
    for fault in faults:
        _note(document, place, shape, fault, findings)
    try:
        return shape.model_validate(_without(value, [fault["loc"] for fault in faults]))
    except ValidationError:
        return None


def shaped_list(
    document: Document, key: str, shape: type[S], findings: Findings, *, required: bool = False
) -> list[tuple[Place, S]]:
    """The items under a top-level key that are as they should be, each with its place; the others are noted."""
    items = document.value.get(key)
    if items is None:
        if required:
            findings.wrong(document.where(()), f"`{key}` is missing")
        return []
    if not isinstance(items, list):
        findings.wrong(document.where((key,)), f"`{key}`: expected a list{_found(items, (key,))}")
        return []
    pairs = [((key, index), shaped(document, (key, index), item, shape, findings)) for index, item in enumerate(items)]
    return [(place, item) for place, item in pairs if item is not None]


def check_keys(document: Document, shape: type[Shape], findings: Findings) -> bool:
    """Whether the document is a mapping; its unknown top-level keys are noted."""
    if document.value is None:
        findings.wrong(document.where(()), "the file is empty")
        return False
    if not isinstance(document.value, dict):
        findings.wrong(document.where(()), f"expected a mapping of names to values{_found(document.value, ())}")
        return False
    for key in document.value:
        if key not in shape.model_fields:
            _note_unknown(document, (key,), list(shape.model_fields), findings)
    return True


def check_unique(document: Document, place: Place, what: str, findings: Findings) -> None:
    """Note each id that is written a second time in the list at `place`, in items that are otherwise broken too."""
    first: dict[str, Place] = {}
    items = document.at(place)
    for index, item in enumerate(items if isinstance(items, list) else ()):
        name = item.get("id") if isinstance(item, dict) else None
        if not isinstance(name, str):
            continue
        at = (*place, index, "id")
        if name in first:
            line = document.where(first[name]).rsplit(":", 2)[1]
            findings.wrong(document.where(at), f"the {what} `{name}` is already defined in line {line}")
        else:
            first[name] = at


def _written(value: object) -> object:
    return {key: part for key, part in value.items() if part is not None} if isinstance(value, dict) else value


def _without(value: object, locs: list[Place]) -> object:
    """`value` less the keys at `locs`; where one is no mapping's key, less the top-level key it is under."""
    if not isinstance(value, dict):
        return value
    rest = copy.deepcopy(_written(value))
    for loc in locs:
        parent: Any = rest
        for part in loc[:-1]:
            known = part in parent if isinstance(parent, dict) else isinstance(parent, list) and isinstance(part, int)
            parent = parent[part] if known else None
        if isinstance(parent, dict) and loc and loc[-1] in parent:
            del parent[loc[-1]]
        elif loc and isinstance(rest, dict):
            rest.pop(loc[0], None)
    return rest


def _note(document: Document, place: Place, shape: type[Shape], fault: Mapping[str, Any], findings: Findings) -> None:
    is_key = fault["loc"][-1:] == ("[key]",)  # how pydantic marks a mapping's key
    at: Place = (*place, *fault["loc"][: -1 if is_key else None])
    kind, label = fault["type"], _label(at)
    found = _found(fault["input"], at)
    if kind == "missing":
        findings.wrong(document.where(at[:-1]), f"`{at[-1]}` is missing")
    elif kind == "extra_forbidden":
        _note_unknown(document, at, _names_at(shape, fault["loc"][:-1]), findings)
    elif kind == "literal_error":
        expected = fault["ctx"]["expected"].replace("'", "")
        near = nearest(str(fault["input"]), expected.replace(" or ", ", ").split(", "))
        findings.wrong(
            document.where(at), f"{label}expected {expected}{found}", f"did you mean `{near}`?" if near else ""
        )
    elif kind == "value_error":
        findings.wrong(document.where(at, key=is_key), f"{label}{fault['ctx']['error']}{found}")
    elif kind in _EXPECTED:
        hint = "put it in quotes" if kind == "string_type" and isinstance(fault["input"], int | float) else ""
        findings.wrong(document.where(at), f"{label}expected {_EXPECTED[kind]}{found}", hint)
    else:
        message = fault["msg"].removeprefix("Input ").removeprefix("should ")
        findings.wrong(document.where(at), f"{label}should {message[:1].lower()}{message[1:]}{found}")


def _note_unknown(document: Document, at: Place, known: list[str], findings: Findings) -> None:
    near = nearest(str(at[-1]), known)
    hint = f"did you mean `{near}`?" if near else f"known here: {', '.join(sorted(known))}" if known else ""
    findings.wrong(document.where(at, key=True), f"unknown key `{at[-1]}`", hint)


def _label(loc: Place) -> str:
    names = [part for part in loc if isinstance(part, str)]
    return f"`{names[-1]}`: " if names else ""


def _found(value: object, place: Place) -> str:
    """`, found ..` for what fits in a message and may be shown of a value at `place`."""
    openness = at_place(place)
    is_closed = openness in {Openness.CLOSED, Openness.FILE}
    if isinstance(value, list) and not is_closed and all(isinstance(item, str | int | float) for item in value):
        value = f"[{', '.join(str(item) for item in value)}]"
    if isinstance(value, dict | list):
        return f", found a {'mapping' if isinstance(value, dict) else 'list'}"
    if value is None:
        return ", found nothing"
    if is_closed:
        return ""
    text = masked(str(value).lower() if isinstance(value, bool) else str(value), openness)
    return f", found `{text if len(text) <= 60 else text[:57] + '...'}`" if text.isprintable() else ""


def _names_at(shape: type[BaseModel], loc: Place) -> list[str]:
    """The keys that a nested mapping may have, following `loc` down from `shape`."""
    current: type[BaseModel] = shape
    for part in loc:
        if isinstance(part, str):
            inner = _model_in(current.model_fields[part].annotation) if part in current.model_fields else None
            if inner is None:
                return []
            current = inner
    return list(current.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The shape inside `list[Shape]`, `Shape | None` and the like."""
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((model for part in typing.get_args(annotation) if (model := _model_in(part))), None)
