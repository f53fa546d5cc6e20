"""Bytes of any encoding -> UTF-8 bytes that say so, by what the bytes are before what anybody says of them.

It never fails: what no encoding explains is replaced and warned about.
"""

import codecs
import re
from dataclasses import dataclass

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_EBCDIC_PROLOG = b"\x4c\x6f\xa7\x94"  # "<?xm" in code page 037
# Labels are mapped to the superset that publishers mean by them, as the WHATWG Encoding Standard does.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "iso2022_jp": "iso2022_jp_2",
}
_PLAIN = re.compile(
    r"(?:iso8859-\d+|cp(?:12[45]\d|437|85\d|86\d|874|932|949)|koi8-[rut]|gb18030|hz|euc_jp|big5hkscs"
    r"|iso2022_\w+|mac-\w+)"
)
_SEVEN_BIT = re.compile(r"iso2022_\w+|hz")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:+-]+)", re.IGNORECASE)
_PROLOG = re.compile(r"\A\s*<\?xml\b[^>]{0,300}?\?>", re.IGNORECASE)
_PROLOG_ENCODING = re.compile(rb"\A\s*<\?xml\b[^>]{0,300}?encoding\s*=\s*[\"']\s*([\w.:+-]+)", re.IGNORECASE)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_KANA = re.compile("[\u3041-\u30ff]")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_UTF8_PROLOG = '<?xml version="1.0" encoding="utf-8"?>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A document in UTF-8 without BOM, NULs and characters XML forbids; its prolog, when it has one, says UTF-8."""

    body: bytes
    encoding: str
    warnings: tuple[str, ...] = ()


def decode(body: bytes, content_type: str = "") -> Decoded:
    """`body` in UTF-8. `content_type` is the header as received; its charset counts only where the bytes are silent.

    BOM, then UTF-8 that holds, then UTF-16/32 by their NULs, then the header's charset, then the prolog's, then
    windows-1252; RFC 7303 section 3 puts the BOM first, the rest is what recovers real feeds.
    """
    text, encoding, warnings = _text(body, content_type)
    clean = _ILLEGAL.sub("", text)
    if len(clean) != len(text):
        warnings = (*warnings, "control characters were dropped")
    clean = _PROLOG.sub(_UTF8_PROLOG, clean, count=1)
    return Decoded(body=clean.encode(), encoding=encoding, warnings=warnings)


def _text(body: bytes, content_type: str) -> tuple[str, str, tuple[str, ...]]:
    for bom, encoding in _BOMS:
        if body.startswith(bom):
            rest = body[len(bom) :]
            text = _strictly(rest, encoding)
            if text is not None:
                return text, encoding, ()
            if encoding != "utf-8":
                return rest.decode(encoding, "replace"), encoding, (f"not all of it is {encoding}",)
            return _without_bom(rest, content_type)
    return _without_bom(body, content_type)


def _without_bom(body: bytes, content_type: str) -> tuple[str, str, tuple[str, ...]]:
    declared = _declared(body, content_type)
    wide = _wide_encoding(body)
    if wide is not None:
        text = _strictly(body, wide)
        return (text, wide, ()) if text is not None else (body.decode(wide, "replace"), wide, ("cut characters",))
    if b"\x1b$" in body or b"~{" in body:
        # ISO-2022 and HZ hide in seven bits, so they would pass for UTF-8.
        declared_first = tuple(encoding for encoding in declared if _SEVEN_BIT.fullmatch(encoding))
    else:
        declared_first = ()
    for encoding in (*declared_first, "utf-8", *declared):
        text = _strictly(body, encoding)
        if text is not None:
            return text, encoding, ()
    return _guessed(body, declared)


def _guessed(body: bytes, declared: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """The least bad reading of bytes that no encoding explains: UTF-8 with flaws, a flawed label, or windows-1252."""
    repaired = body.decode("utf-8", "replace")
    flaws = repaired.count("\ufffd")
    if len(_MULTIBYTE.findall(body)) > flaws:
        return repaired, "utf-8", (f"{flaws} sequences are not UTF-8",)
    if declared:
        return body.decode(declared[0], "replace"), declared[0], (f"not all of it is {declared[0]}",)
    western, japanese = _strictly(body, "cp1252"), _strictly(body, "cp932")
    if western is None and japanese is not None and _KANA.search(japanese):
        return japanese, "cp932", ("no encoding was declared that fits: read as Shift_JIS",)
    return body.decode("cp1252", "replace"), "cp1252", ("no encoding was declared that fits: read as windows-1252",)


def _declared(body: bytes, content_type: str) -> tuple[str, ...]:
    """The encodings that the header and the prolog name, best first, as codecs that may be trusted with any bytes."""
    header = _CHARSET.search(content_type)
    prolog = _PROLOG_ENCODING.match(body)
    labels = (header.group(1) if header else "", prolog.group(1).decode("ascii") if prolog else "")
    return tuple(encoding for encoding in map(_codec, labels) if encoding)


def _codec(label: str) -> str:
    """The codec for `label`, empty for unknown ones, UTF-* (the bytes tell those), and codecs that are no charset."""
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return ""
    name = _SUPERSETS.get(name, name)
    return name if _PLAIN.fullmatch(name) else ""


def _wide_encoding(body: bytes) -> str | None:
    """UTF-16 or UTF-32 by where NULs stand in the first characters, which are markup and so ASCII (XML appendix F)."""
    if body.startswith(_EBCDIC_PROLOG):
        return "cp037"
    lanes = [body[lane:200:4] for lane in range(4)]
    nuls = "".join("0" if lane.count(0) > 0.6 * len(lane) else "x" for lane in lanes)
    return {"000x": "utf-32-be", "x000": "utf-32-le", "0x0x": "utf-16-be", "x0x0": "utf-16-le"}.get(nuls)


def _strictly(body: bytes, encoding: str) -> str | None:
    try:
        return body.decode(encoding)
    except UnicodeError:
        return None
