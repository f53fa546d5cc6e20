"""Where a digest may point to besides its stories."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """This installation, unsubscribing, the digest's own page, and pages of ours about single stories.

    Each is an http(s) or mailto URL of ours, or None, and then the mail does not speak of it. `reviews` has the page on
    which a match is judged, by match id; `pages` those of earlier digests, by digest id.
    """

    base_url: str | None = None
    unsubscribe: str | None = None
    archive: str | None = None
    reviews: Mapping[int, str] = field(default_factory=dict)
    pages: Mapping[int, str] = field(default_factory=dict)


def ours(link: str | None) -> str | None:
    """One of our own links, None when it is none that a mail may carry."""
    return link if link and urlsplit(link).scheme in {"http", "https", "mailto"} else None
