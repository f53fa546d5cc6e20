"""What the URL rules promise, on hand-picked cases and on whatever hypothesis can think of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.errors import UsageError
from aggregator.core.urls import absolute, canonical, host_of, link_hash, redacted, typed_url

HOSTS = st.sampled_from(["example.org", "EXAMPLE.org", "a.b.example", "xn--bcher-kva.example", "127.0.0.1", "[::1]"])
PATHS = st.text("abcXYZ0/.-_~%é", max_size=20).map(lambda path: "/" + path.lstrip("/"))
QUERIES = st.lists(st.sampled_from(["a=1", "b", "utm_source=x", "id=ü", "fbclid=9", "c=a=b"]), max_size=4).map("&".join)
URLS = st.builds(
    lambda scheme, host, port, path, query, fragment: f"{scheme}://{host}{port}{path}?{query}#{fragment}",
    st.sampled_from(["http", "https", "HTTP"]),
    HOSTS,
    st.sampled_from(["", ":80", ":443", ":8080"]),
    PATHS,
    QUERIES,
    st.text("ab", max_size=3),
)


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("HTTPS://Example.ORG:443/A?b=2&a=1#top", "https://example.org/A?b=2&a=1"),
        ("http://example.org", "http://example.org/"),
        ("http://example.org:8080/x", "http://example.org:8080/x"),
        ("https://example.org/x?utm_source=rss&id=5&UTM_Medium=m&at_campaign=c", "https://example.org/x?id=5"),
        ("https://example.org/x?fbclid=1", "https://example.org/x"),
        ("https://example.org/x?a=&b", "https://example.org/x?a=&b"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/ü"),
        ("https://[2001:DB8:0::1]:443/", "https://[2001:db8::1]/"),
        ("  tag:example.org,2020:1 ", "tag:example.org,2020:1"),
    ],
)
def test_the_canonical_form_keeps_only_what_tells_addresses_apart(url: str, same: str) -> None:
    assert canonical(url) == same


@given(URLS)
def test_the_canonical_form_of_a_canonical_form_is_itself(url: str) -> None:
    assert canonical(canonical(url)) == canonical(url)


@given(st.text())
def test_canonical_host_and_hash_take_any_text(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)
    assert len(link_hash(text)) == 16
    assert host_of(text) == host_of(text).lower()


@given(URLS, st.sampled_from(["utm_campaign=z", "gclid=1", "at_link=x"]))
def test_a_tracking_parameter_changes_neither_form_nor_hash(url: str, tracking: str) -> None:
    start, mark, fragment = url.partition("#")
    tracked = f"{start}&{tracking}{mark}{fragment}"
    assert canonical(tracked) == canonical(url)
    assert link_hash(tracked) == link_hash(url)


@given(URLS.filter(lambda url: ":80" not in url and ":443" not in url))
def test_http_and_https_hash_alike_and_other_parameters_do_not(url: str) -> None:
    rest = canonical(url).partition("://")[2]
    assert link_hash(f"http://{rest}") == link_hash(f"https://{rest}")
    assert link_hash(f"http://{rest}") != link_hash(f"http://{rest}{'&' if '?' in rest else '?'}other=1")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("/a/b", "https://example.org/a/b"),
        ("c?d=e", "https://example.org/dir/c?d=e"),
        ("//other.example/x", "https://other.example/x"),
        ("  https://example.org/a b\n c ", "https://example.org/a%20b%20c"),
        ("https://example.org/a[b]", "https://example.org/a[b]"),
        ("https:\\\\example.org\\x?y=\\z", "https://example.org/x?y=\\z"),
        ("https://example.org\\@evil.example/", "https://example.org/@evil.example/"),
        ("https://münchen.example/straße", "https://xn--mnchen-3ya.example/straße"),
        ('https://example.org/"><script>', "https://example.org/%22%3E%3Cscript%3E"),
        ("javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("data:text/html,x", None),
        ("mailto:a@b.example", None),
        ("file:///etc/passwd", None),
        ("http://", None),
        ("http://[::1", None),
        ("http://[v1.x]/", None),
        ("http://exa mple.org/", None),
        ("http://example.org:99999/", None),
        ("http://example.org:port/", None),
        ("http://a..b/", None),
        ("http://xn--/", "http://xn--/"),
        ("http://\u2460\u2461\u2466.0.0.1/", None),
        ("http://example.org/\x00", "http://example.org/"),
        ("http://example.org/\x00x", None),
        ("http://example.org/" + "x" * 9000, None),
    ],
)
def test_a_link_from_a_feed_is_resolved_or_refused(url: str, found: str | None) -> None:
    assert absolute("https://example.org/dir/feed.xml", url) == found


def test_a_link_without_any_base_must_be_absolute_itself() -> None:
    assert absolute("", "/a") is None
    assert absolute("not a url", "https://example.org/a") == "https://example.org/a"


@given(st.text(), st.text())
def test_resolving_never_raises_and_never_lets_a_scheme_or_control_through(base: str, url: str) -> None:
    found = absolute(base, url)
    assert found is None or found.startswith(("http://", "https://"))
    assert found is None or not any(ord(char) <= 32 or char in '<>"' for char in found)


@given(URLS)
def test_resolving_is_stable(url: str) -> None:
    found = absolute("https://base.example/", url)
    assert found is not None
    assert absolute("https://base.example/", found) == found
    assert host_of(found) == host_of(url)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://User:pw@Example.ORG:8443/x", "example.org"),
        ("https://example.org./x", "example.org"),
        ("https://bücher.example", "xn--bcher-kva.example"),
        ("http://[::1]:8080/", "::1"),
        ("nonsense", ""),
        ("http:///x", ""),
    ],
)
def test_the_host_is_lower_case_a_label_without_port(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("  https://example.org/feed ", "https://example.org/feed"),
        ("feed:https://example.org/feed", "https://example.org/feed"),
        ("feed://example.org/feed", "https://example.org/feed"),
        ("example.org/feed.xml", "https://example.org/feed.xml"),
        ("//example.org", "https://example.org/"),
        ("localhost:8000/f", "https://localhost:8000/f"),
        ("HTTP://Example.org", "http://example.org/"),
        ("<https://example.org/a>", "https://example.org/a"),
        ("bücher.example", "https://xn--bcher-kva.example/"),
    ],
)
def test_what_a_person_typed_becomes_the_url_they_meant(typed: str, url: str) -> None:
    assert typed_url(typed) == url


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("", "empty"),
        ("https://example.org/a b", "space"),
        ("https:\\\\example.org", "backslash"),
        ("ftp://example.org/feed", "not a web address"),
        ("javascript:alert(1)", "not a web address"),
        ("theprint", "not a URL"),
        ("https://", "host"),
        ("https://example.org:99999/", "port"),
        ("https://exa[mple.org/", "host"),
    ],
)
def test_a_url_that_cannot_be_right_is_refused_with_the_reason(typed: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        typed_url(typed)


@given(st.text())
def test_any_typed_text_gives_a_url_or_a_usage_error(typed: str) -> None:
    try:
        url = typed_url(typed)
    except UsageError:
        return
    assert typed_url(url) == url


def test_names_and_passwords_are_never_shown() -> None:
    assert redacted("https://user:secret@example.org/@x") == "https://***@example.org/@x"
    assert redacted("https://a@b:p@example.org/") == "https://***@example.org/"
    assert redacted("https://example.org/@name") == "https://example.org/@name"
    with pytest.raises(UsageError) as refused:
        typed_url("https://user:secret@example.org:99999/")
    assert "secret" not in str(refused.value)
