"""From the mail that was sent to the page it leads to: the links are in its headers and its words, and they work."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from aggregator.app import installation_secrets
from aggregator.core.digests.tokens import Keyring
from aggregator.store import deliveries
from tests.readers import LASTS, desk, match_one
from tests.web.test_subscriber_pages import Visit, visiting
from tests.world import run

HOME = "https://news.example.org"
BOUNCES = "bounces@news.example.org"


async def sent(v: Visit) -> EmailMessage:
    match_one(v.w.app.store, "1")
    v.w.clock.forward(days=1)
    await v.w.app.dispatcher.run()
    mail = message_from_bytes(v.w.mail.sent[-1], policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def words(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_one_request_to_the_headers_own_address_unsubscribes(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path, AGGREGATOR_BASE_URL=HOME, AGGREGATOR_BOUNCE_ADDRESS=BOUNCES) as v:
            mail = await sent(v)
            url, by_mail = re.findall(r"<([^>]+)>", re.sub(r"\s", "", str(mail["List-Unsubscribe"])))
            assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert by_mail.startswith(f"mailto:{BOUNCES}?subject=u-v1.")
            assert url in words(mail, "html")
            assert url in words(mail, "plain")
            answer = await v.client.post(url.removeprefix(HOME), content=b"List-Unsubscribe=One-Click")
            assert answer.status_code == 200
            assert v.of.is_left

    run(go)


@pytest.mark.parametrize("pattern", ["/d/", "/r/"])
def test_the_other_links_of_a_mail_lead_to_its_pages(tmp_path: Path, pattern: str) -> None:
    async def go() -> None:
        async with visiting(tmp_path, AGGREGATOR_BASE_URL=HOME) as v:
            mail = await sent(v)
            found = re.search(rf"{HOME}({pattern}[A-Za-z0-9._-]+)", words(mail, "html"))
            assert found is not None
            answer = await v.client.get(found[1])
            assert answer.status_code == 200
            assert "Customs seize fentanyl" in answer.text

    run(go)


def test_without_an_address_on_the_web_a_mail_can_still_be_answered_to_leave(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path) as v:
            mail = await sent(v)
            assert str(mail["List-Unsubscribe"]).startswith("<mailto:")
            assert "List-Unsubscribe-Post" not in mail

    run(go)


def test_each_mail_leaves_with_a_return_path_of_its_own(tmp_path: Path) -> None:
    async def go() -> None:
        async with visiting(tmp_path, AGGREGATOR_BOUNCE_ADDRESS=BOUNCES) as v:
            match_one(v.w.app.store, "1")
            v.w.clock.forward(days=1)
            (made,) = await v.w.app.dispatcher.open_due()
            (one,) = v.w.app.store.write(deliveries.claim, now=v.w.clock(), lease="x", lasts=LASTS)
            local, _, domain = one.sender.partition("@")
            assert (local.partition("+")[0], domain) == ("bounces", "news.example.org")
            keys = Keyring(installation_secrets(v.w.app.settings))
            assert keys.read_return(local.partition("+")[2]) == made
            assert desk(v.w.app.store).subscriber.address == one.recipient

    run(go)
