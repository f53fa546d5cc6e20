"""Mail as its receivers will judge it, found out before the first digest: the relay, the domain, its three records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import doctor
from aggregator.core.model.subscriptions import SendFailed, SendFailure, SendResult
from aggregator.doctor import Finding, Level, LookupFailedError
from tests.world import MailBox

GOOD = {
    ("news.paper.org", "MX"): ["10 mx.paper.org."],
    ("news.paper.org", "TXT"): ["some-verification=1", "v=spf1 include:_spf.relay.org -all"],
    ("_dmarc.paper.org", "TXT"): ["v=DMARC1; p=quarantine"],
    ("s2026._domainkey.news.paper.org", "TXT"): ["v=DKIM1; k=rsa; p=MIIB Ijan"],
}


@dataclass(kw_only=True)
class Signing:
    domain: str
    selector: str
    record: str


OURS = Signing(domain="news.paper.org", selector="s2026", record="v=DKIM1; k=rsa; p=MIIBIjan")
DESK = "Desk <desk@news.paper.org>"


def examined(
    changed: Mapping[tuple[str, str], Sequence[str]] | None = None,
    *,
    mail_from: str = DESK,
    signing: Signing | None = OURS,
) -> list[Finding]:
    records = {**GOOD, **(changed or {})}
    return list(doctor.sender(mail_from, signing=signing, ask=lambda name, kind: records.get((name, kind), [])))


def trouble(found: Sequence[Finding]) -> list[tuple[Level, str]]:
    return [(one.level, one.message) for one in found if one.level is not Level.OK]


def test_a_domain_in_order_has_nothing_to_mend_and_shows_its_records() -> None:
    found = examined()
    assert trouble(found) == []
    assert [one.message for one in found] == [
        "SPF of news.paper.org: v=spf1 include:_spf.relay.org -all",
        "DKIM: the key at s2026._domainkey.news.paper.org is ours",
        "DMARC of paper.org: v=DMARC1; p=quarantine",
    ]


@pytest.mark.parametrize(
    ("changed", "level", "words"),
    [
        ({("news.paper.org", "MX"): []}, Level.PROBLEM, "there is no domain news.paper.org"),
        ({("news.paper.org", "MX"): ["0 ."]}, Level.WARNING, "takes no mail"),
        ({("news.paper.org", "TXT"): ["v=spf10 -all"]}, Level.WARNING, "has no SPF record"),
        ({("news.paper.org", "TXT"): ["v=spf1 -all", "V=SPF1 a"]}, Level.PROBLEM, "has 2 SPF records"),
        ({("news.paper.org", "TXT"): ["v=spf1 mx +all"]}, Level.WARNING, "lets everybody send"),
        ({("news.paper.org", "TXT"): ["v=spf1 all"]}, Level.WARNING, "lets everybody send"),
        ({("_dmarc.paper.org", "TXT"): ["something else"]}, Level.WARNING, "has no DMARC record"),
        ({("s2026._domainkey.news.paper.org", "TXT"): []}, Level.PROBLEM, "no key is published at s2026._domainkey"),
        ({("s2026._domainkey.news.paper.org", "TXT"): ["v=DKIM1; p="]}, Level.PROBLEM, "not the one that we sign with"),
        ({("s2026._domainkey.news.paper.org", "TXT"): ["v=DKIM1; p=AAAA"]}, Level.PROBLEM, "not the one"),
    ],
)
def test_what_is_missing_or_wrong_is_named_and_how_to_mend_it(
    changed: dict[tuple[str, str], list[str]], level: Level, words: str
) -> None:
    ((found, message),) = trouble(examined(changed))
    assert (found, words in message) == (level, True)
    assert all(one.hint for one in examined(changed) if one.level is not Level.OK)


def test_the_record_to_publish_is_told() -> None:
    (found,) = [one for one in examined({("s2026._domainkey.news.paper.org", "TXT"): []}) if one.hint]
    assert f'"{OURS.record}"' in found.hint


def test_an_address_is_enough_for_a_domain_to_be_there() -> None:
    assert trouble(examined({("news.paper.org", "MX"): [], ("news.paper.org", "AAAA"): ["2001:db8::1"]})) == []


@pytest.mark.parametrize(
    ("signer", "counts"),
    [
        ("news.paper.org", True),
        ("paper.org", True),
        ("mail.news.paper.org", True),
        ("aper.org", False),
        ("org.x", False),
    ],
)
def test_a_signature_counts_for_the_domain_and_those_around_it(signer: str, counts: bool) -> None:
    signing = Signing(domain=signer, selector="s", record=OURS.record)
    published = {(f"s._domainkey.{signer}", "TXT"): [OURS.record]}
    assert (trouble(examined(published, signing=signing)) == []) is counts


def test_spf_is_asked_of_where_bounces_go() -> None:
    records = {**GOOD, ("b.paper.org", "A"): ["192.0.2.1"], ("b.paper.org", "TXT"): ["v=spf1 -all"]}

    def ask(name: str, kind: str) -> Sequence[str]:
        return records.get((name, kind), [])

    near = list(doctor.sender("desk@paper.org", signing=None, bounces_to="bounces@b.paper.org", ask=ask))
    assert (trouble(near), near[0].message) == ([], "SPF of b.paper.org: v=spf1 -all")
    far = trouble(list(doctor.sender("desk@journal.org", signing=None, bounces_to="x@b.paper.org", ask=ask)))
    assert (far[0][0], "only a DKIM signature counts" in far[0][1]) == (Level.WARNING, True)


def test_without_a_key_of_ours_signing_is_left_to_the_relay() -> None:
    found = examined(signing=None)
    assert trouble(found) == []
    assert any("left to the relay" in one.message for one in found)


@pytest.mark.parametrize("domain", ["example.org", "desk.example", "a.example.com", "mail.test", "x.invalid"])
def test_a_name_for_examples_is_a_warning_and_dns_is_not_asked(domain: str) -> None:
    def never(name: str, kind: str) -> Sequence[str]:
        raise AssertionError(f"{kind} of {name} was asked for")

    ((level, message),) = trouble(list(doctor.sender(f"desk@{domain}", signing=None, ask=never)))
    assert (level, "name for examples" in message) == (Level.WARNING, True)


def test_dns_that_is_away_is_told_once() -> None:
    def away(name: str, kind: str) -> Sequence[str]:
        raise LookupFailedError("no name server answered")

    ((level, message),) = trouble(list(doctor.sender(DESK, signing=None, ask=away)))
    assert (level, "did not answer: no name server answered" in message) == (Level.WARNING, True)


def test_without_the_extra_nothing_is_claimed() -> None:
    def missing(name: str, kind: str) -> Sequence[str]:
        raise ImportError(name)

    (found,) = doctor.sender(DESK, signing=None, ask=missing)
    assert (found.level, "not looked up" in found.message) == (Level.OK, True)


@given(st.lists(st.text(max_size=80), max_size=4))
def test_no_record_however_odd_stops_the_examination(texts: list[str]) -> None:
    found = examined({("news.paper.org", "TXT"): texts, ("s2026._domainkey.news.paper.org", "TXT"): texts})
    assert found


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("connect: [Errno 111] Connection refused", "AGGREGATOR_SMTP_PORT"),
        ("starttls: the relay does not offer STARTTLS, and mail is not sent unencrypted", "AGGREGATOR_SMTP_TLS"),
        ("connect: the relay's certificate is not valid: Hostname mismatch", "SSL_CERT_FILE"),
        ("connect: no TLS connection: wrong version number", "starttls for 587"),
        ("login: 535 5.7.8 no", "AGGREGATOR_SMTP_PASSWORD"),
        ("hello: 550 go away", "mend it"),
    ],
)
def test_a_check_that_failed_says_what_mends_it(detail: str, words: str) -> None:
    class Refusing(MailBox):
        async def check(self) -> SendResult:
            return SendFailed(failure=SendFailure.RETRY, detail=detail)

    (found,) = doctor.mail(Refusing(), folder=None, people=1, sender="desk@paper.org")
    assert (found.level, words in found.hint) == (Level.PROBLEM, True)


def test_a_trial_that_is_still_on_is_told(tmp_path: Path) -> None:
    (found,) = doctor.redirected("trial@example.org", tmp_path)
    assert (found.level, "trial@example.org" in found.message) == (Level.WARNING, True)
    assert list(doctor.redirected(None, tmp_path)) == []


def test_a_service_that_needs_what_is_not_installed_is_a_problem() -> None:
    assert list(doctor.notifications([], installed=False)) == []
    (there,) = doctor.notifications(["desk/chat"], installed=True)
    (missing,) = doctor.notifications(["desk/chat", "lab/chat"], installed=False)
    assert (there.level, missing.level) == (Level.OK, Level.PROBLEM)
    assert "desk/chat and 1 more" in missing.message
