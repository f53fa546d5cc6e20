"""Which network addresses a fetch may reach: a pure judgement over one address. It resolves and connects nothing."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Ours rather than `is_private`: the interpreter's own table differs from release to release and calls 2002::/16,
# 64:ff9b::/96, 192.0.0.192 and multicast global, and 100.64.0.0/10 neither private nor global.
_CLOSED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), rule)
    for network, rule in (
        ("0.0.0.0/8", "an address of this very network"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's shared address"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "a cloud platform's own service address"),
        ("169.254.0.0/16", "a link-local address, where cloud metadata lives"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a protocol assignment"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a 6to4 relay address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
        ("::/128", "the unspecified address"),
        ("::1/128", "a loopback address"),
        ("::/96", "an IPv4-compatible address"),
        ("64:ff9b::/96", "a NAT64 address"),
        ("64:ff9b:1::/48", "a local NAT64 address"),
        ("100::/64", "a discard address"),
        ("2001::/23", "a protocol assignment"),
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "a documentation address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that IANA has handed out for the public Internet
_NAT64 = IPv6Network("64:ff9b::/96")


def parse_address(text: str) -> Address | None:
    """The address that `text` spells in full, IPv4-mapped ones as IPv4; None for names and for short or odd forms."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def refusal(address: Address, allowed: Sequence[Network]) -> str | None:
    """Why `address` must not be reached, naming the rule and the setting that lifts it, or None when it may be.

    Every range of IANA's special-purpose registries is refused, and in IPv6 all but 2000::/3. A tunnel address that
    `allowed` lets through is judged once more by the IPv4 address it carries (RFC 6052 2.1, RFC 3056 2).
    """
    inner = _carried(address)
    if is_allowed(address, allowed):
        return refusal(inner, allowed) if inner is not None else None
    rule = _rule(address)
    if rule is None:
        return None
    return f"{address} is {rule}; AGGREGATOR_ALLOW_PRIVATE names the networks that may be reached all the same"


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether the operator opened a network that holds `address`."""
    return any(address in network for network in allowed)


def _carried(address: Address) -> IPv4Address | None:
    if not isinstance(address, IPv6Address):
        return None
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.sixtofour


def _rule(address: Address) -> str | None:
    for network, rule in _CLOSED:
        if address in network:
            return rule
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "outside the public IPv6 space"
    return None if address.is_global else "not a public address"
