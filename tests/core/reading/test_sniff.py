"""What a document is, told from its first kilobytes."""

import pytest

from aggregator.core.reading.sniff import Kind, sniff


@pytest.mark.parametrize(
    "body",
    [
        b"<rss version='2.0'>",
        b"\n\n <?xml version='1.0'?>\n<!-- <html> --><?xml-stylesheet href='x'?><rss>",
        b"<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY x 'y'>]><rss>",
        b"<rdf:RDF xmlns='x'>",
        b"<a:feed xmlns:a='x'>",
        b"<RSS>",
        b"<CHANNEL>",
        b"<feed/>",
        b"<anything><item>x</item></anything>",
    ],
)
def test_a_feed_is_known_by_its_root(body: bytes) -> None:
    assert sniff(body).kind is Kind.XML


def test_a_feed_behind_a_servers_error_output_is_found_where_it_begins() -> None:
    junk = b"\n<br />\n<b>Warning</b>: Undefined index in <b>/x.php</b> on line <b>2</b><br />\n"
    found = sniff(junk + b"<?xml version='1.0'?><rss>")
    assert (found.kind, found.start, found.root) == (Kind.XML, len(junk), "rss")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Kind.EMPTY),
        (b" \n\t\xef\xbb\xbf ", Kind.EMPTY),
        (b" {}", Kind.JSON),
        (b"[1]", Kind.JSON),
        (b"<!DOCTYPE html><html>", Kind.PAGE),
        (b"<?xml version='1.0'?><!DOCTYPE html PUBLIC 'x' 'y'><html xmlns='z'>", Kind.PAGE),
        (b"<HTML><body><item>", Kind.PAGE),
        (b"hello <p>there</p> <body >", Kind.PAGE),
        (b"<opml version='2.0'>", Kind.UNKNOWN),
        (b"just words", Kind.UNKNOWN),
        (b"\x89PNG", Kind.UNKNOWN),
    ],
)
def test_what_is_no_feed_is_told_apart(body: bytes, kind: Kind) -> None:
    assert sniff(body).kind is kind
