"""Settings -> what carries each channel, and what signs our mail. A part of the composition root, and as free of work."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import aggregator
from aggregator.core.digests.address import split_sender
from aggregator.core.errors import ConfigError, Problem
from aggregator.core.model.posts import PostResult
from aggregator.fetch.client import Fetcher
from aggregator.fetch.posting import Post
from aggregator.mail.apprise import AppriseTransport, notifier_command
from aggregator.mail.files import FileTransport, MaildirTransport, PayloadFolder
from aggregator.mail.redirect import RedirectedTransport
from aggregator.mail.smtp import SmtpManners, SmtpTimeouts, SmtpTransport
from aggregator.mail.transport import Transport
from aggregator.mail.webhook import WebhookTransport
from aggregator.settings import Settings

if TYPE_CHECKING:
    from aggregator.mail.dkim import Signer

NO_MAIL = {"webhook": ".json", "apprise": ".txt"}  # channels whose payload is no mail, and how its files end


def make_transports(settings: Settings) -> Mapping[str, Transport]:
    """What carries `mail` as the settings say, and `outbox` always to the outbox folder."""
    folder = FileTransport(settings.mail_dir)
    if settings.mail_transport == "maildir":
        return {"mail": (maildir := MaildirTransport(settings.mail_dir)), "outbox": maildir}
    if settings.mail_transport == "file" or settings.smtp_host is None:
        return {"mail": folder, "outbox": folder}
    relay: Transport = _relay(settings, settings.smtp_host)
    if settings.redirect_all_to:
        relay = RedirectedTransport(relay, settings.redirect_all_to, sender=split_sender(settings.mail_from)[1])
    return {"mail": relay, "outbox": folder}


def _relay(settings: Settings, host: str) -> SmtpTransport:
    return SmtpTransport(
        host=host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        user=settings.smtp_user,
        password=settings.smtp_password.reveal() if settings.smtp_password else None,
        timeouts=SmtpTimeouts(
            connect=settings.smtp_connect_timeout.total_seconds(),
            command=settings.smtp_timeout.total_seconds(),
            data=settings.smtp_data_timeout.total_seconds(),
        ),
        manners=SmtpManners(rate=settings.smtp_rate, connections=settings.smtp_connections, mails=settings.smtp_reuse),
    )


def kept_back(settings: Settings) -> Mapping[str, Transport]:
    """What carries the channels that cannot be redirected while everything is: a folder."""
    return {name: PayloadFolder(settings.mail_dir, stem=name, suffix=suffix) for name, suffix in NO_MAIL.items()}


def make_channels(
    settings: Settings, fetcher: Fetcher, *, secrets: Sequence[bytes], clock: Callable[[], datetime]
) -> Mapping[str, Transport]:
    """What carries every channel, mail and others; `secrets` are the installation's, newest first."""
    mail = make_transports(settings)
    if settings.redirect_all_to:
        return {**mail, **kept_back(settings)}

    async def post(url: str, body: bytes, headers: tuple[tuple[str, str], ...]) -> PostResult:
        return await fetcher.post(
            Post(url=url, body=body, content_type="application/json", headers=headers), now=clock()
        )

    notifier = AppriseTransport(
        notifier_command(),
        path=[str(Path(aggregator.__file__).parents[1])],
        allowed=[str(network) for network in settings.allow_private],
    )
    return {**mail, "webhook": WebhookTransport(post, secrets=secrets, clock=clock), "apprise": notifier}


def make_signer(settings: Settings) -> "Signer | None":
    """What signs our mail, or None when the settings name no key. Raises ConfigError for a key that cannot be used."""
    if settings.dkim_selector is None or settings.dkim_key is None or settings.dkim_domain is None:
        return None
    try:
        from aggregator.mail.dkim import Signer  # noqa: PLC0415 - an extra that need not be installed
    except ImportError as error:
        hint = "pip install 'feed-aggregator[dkim]', or leave AGGREGATOR_DKIM_SELECTOR unset"
        message = f"dkimpy is not installed ({error})"
        raise ConfigError([Problem(where="AGGREGATOR_DKIM_SELECTOR", message=message, hint=hint)]) from None
    try:
        return Signer(domain=settings.dkim_domain, selector=settings.dkim_selector, key=settings.dkim_key.reveal())
    except ValueError as error:
        raise ConfigError([Problem(where="AGGREGATOR_DKIM_KEY", message=str(error))]) from None
