"""The environment as settings: empty is unset, every wrong value is told at once, and secrets may stand in files."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from aggregator import settings
from aggregator.core.errors import ConfigError

GIB = 1 << 30


def problems(environ: dict[str, str], *, config: Path | None = None, database: str | None = None) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        settings.load(environ, config=config, database=database)
    return {problem.where: str(problem) for problem in caught.value.problems}


def test_an_empty_environment_gives_a_service_that_mails_into_a_folder() -> None:
    chosen = settings.load({})
    assert chosen.config == Path("feeds.yaml")
    assert chosen.database == "sqlite:///data/aggregator.db"
    assert (chosen.mail_transport, chosen.mail_dir) == ("file", Path("data/outbox"))
    assert (chosen.engine, chosen.clock, chosen.secret) == ("embedded", None, None)
    assert chosen.base_url is None
    assert (chosen.max_body, chosen.parse_memory) == (10 << 20, 512 << 20)
    assert (chosen.lease, chosen.tick) == (timedelta(seconds=120), timedelta(seconds=5))


def test_every_setting_is_read_from_its_own_variable() -> None:
    chosen = settings.load(
        {
            "AGGREGATOR_DATABASE": "postgresql://app:pass@db.example/news",
            "AGGREGATOR_ENGINE": "procrastinate",
            "AGGREGATOR_LISTEN": "[::1]:9000",
            "AGGREGATOR_BASE_URL": "https://news.example.org",
            "AGGREGATOR_ALLOW_PRIVATE": "127.0.0.0/8, ::1",
            "AGGREGATOR_CLOCK": "2026-01-20T12:00:00+05:30",
            "AGGREGATOR_LOG": "json,debug",
            "AGGREGATOR_SMTP_HOST": "mail.example.org",
            "AGGREGATOR_SMTP_TLS": "implicit",
            "AGGREGATOR_SMTP_USER": "desk",
            "AGGREGATOR_SMTP_PASSWORD": "tulip",
            "AGGREGATOR_MAIL_FROM": "Desk <desk@example.org>",
            "AGGREGATOR_HOST_GAP": "0",
            "AGGREGATOR_PARSE_MEMORY": "1G",
            "AGGREGATOR_FETCH_TIMEOUT": "1.5m",
            "AGGREGATOR_WORKERS": "4",
        }
    )
    assert chosen.engine == "procrastinate"
    assert chosen.listen == ("::1", 9000)
    assert chosen.base_url == "https://news.example.org"
    assert chosen.allow_private == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert chosen.clock == datetime(2026, 1, 20, 6, 30, tzinfo=UTC)
    assert chosen.log == settings.Log(format="json", level="debug")
    assert (chosen.mail_transport, chosen.smtp_port) == ("smtp", 465)
    assert chosen.smtp_password is not None
    assert chosen.smtp_password.reveal() == "tulip"
    assert (chosen.host_gap, chosen.fetch_timeout) == (timedelta(), timedelta(seconds=90))
    assert (chosen.parse_memory, chosen.workers) == (GIB, 4)


def test_all_wrong_values_are_told_at_once() -> None:
    wrong = {
        "AGGREGATOR_ENGINE": "celery",
        "AGGREGATOR_LISTEN": "8080",
        "AGGREGATOR_BASE_URL": "example.org",
        "AGGREGATOR_ALLOW_PRIVATE": "lan",
        "AGGREGATOR_CLOCK": "2026-01-20",
        "AGGREGATOR_LOG": "loud",
        "AGGREGATOR_DATABASE": "mysql://db/news",
        "AGGREGATOR_MAIL_FROM": "desk\nBcc: x@example.org",
        "AGGREGATOR_SMTP_PORT": "70000",
        "AGGREGATOR_BOUNCE_ADDRESS": "bounces",
        "AGGREGATOR_BOUNCE_MAILBOX": "imaps://user:password@host/INBOX",
        "AGGREGATOR_CONCURRENCY": "0",
        "AGGREGATOR_TICK": "0s",
        "AGGREGATOR_MAX_BODY": "ten",
    }
    assert problems(wrong).keys() == wrong.keys()


def test_a_login_in_the_address_of_the_pages_is_refused_for_every_mail_would_show_it() -> None:
    told = problems({"AGGREGATOR_BASE_URL": "https://desk:tulip@news.example.org"})["AGGREGATOR_BASE_URL"]
    assert "without a login" in told
    assert "tulip" not in told


@pytest.mark.parametrize(
    "where", ["imap://u@h/INBOX", "maildir://h/x", "maildir:", "imaps://h/INBOX", "imaps://u@h:x/"]
)
def test_a_mailbox_is_one_of_two_kinds(where: str) -> None:
    assert problems({"AGGREGATOR_BOUNCE_MAILBOX": where}).keys() == {"AGGREGATOR_BOUNCE_MAILBOX"}


def test_an_imap_mailbox_needs_its_password() -> None:
    given = {"AGGREGATOR_BOUNCE_MAILBOX": "imaps://bounces@mail.example.org/INBOX"}
    assert problems(given).keys() == {"AGGREGATOR_BOUNCE_PASSWORD"}
    assert settings.load({**given, "AGGREGATOR_BOUNCE_PASSWORD": "tulip"}).bounce_mailbox == given.popitem()[1]
    assert settings.load({"AGGREGATOR_BOUNCE_MAILBOX": "maildir:/var/mail/x"}).bounce_password is None


@pytest.mark.parametrize(
    "sender", ["Desk <desk@news..example>", "desk@-x.example", "desk@example.org, b@x.org", "desk"]
)
def test_a_sender_that_nothing_can_be_sent_from_is_a_problem_and_not_a_crash(sender: str) -> None:
    signed = {"AGGREGATOR_DKIM_SELECTOR": "s", "AGGREGATOR_DKIM_KEY": "k"}
    assert problems({"AGGREGATOR_MAIL_FROM": sender, **signed}).keys() == {"AGGREGATOR_MAIL_FROM"}


@pytest.mark.parametrize("moment", ["yesterday", "0001-01-01T00:00:00+23:59", "2026-13-01T00:00:00Z"])
def test_an_impossible_clock_is_a_problem_and_not_a_crash(moment: str) -> None:
    assert "expected an instant" in problems({"AGGREGATOR_CLOCK": moment})["AGGREGATOR_CLOCK"]


def test_an_empty_value_is_an_unset_one() -> None:
    assert settings.load({"AGGREGATOR_ENGINE": "", "AGGREGATOR_SMTP_HOST": " ", "AGGREGATOR_NONSENSE": ""}) == (
        settings.load({})
    )


def test_an_unknown_name_is_told_with_its_nearest_neighbour() -> None:
    assert "AGGREGATOR_DATABASE" in problems({"AGGREGATOR_DATBASE": "x"})["AGGREGATOR_DATBASE"].split("(")[1]


def test_other_programs_variables_are_nobodys_business() -> None:
    assert settings.load({"PATH": "/bin", "AGGREGATE": "1"}) == settings.load({})


def test_a_name_that_the_feed_list_uses_is_known_and_so_is_its_file(tmp_path: Path) -> None:
    config = tmp_path / "feeds.yaml"
    config.write_text("email: ${AGGREGATOR_DESK_EMAIL}\nheaders: {X: '${AGGREGATOR_KEY}'}\n")
    (tmp_path / "subscribers.yaml").write_text("- email: ${AGGREGATOR_LAB_EMAIL}\n")
    environ = {"AGGREGATOR_DESK_EMAIL": "a@example.org", "AGGREGATOR_KEY_FILE": "k", "AGGREGATOR_LAB_EMAIL": "b@x.org"}
    settings.load(environ, config=config)
    assert problems(environ).keys() == environ.keys()


def test_arguments_win_over_variables_even_over_wrong_ones(tmp_path: Path) -> None:
    environ = {"AGGREGATOR_DATABASE": "mysql://x", "AGGREGATOR_DATA_DIR": "/elsewhere"}
    chosen = settings.load(environ, database=str(tmp_path / "own.db"), data_dir=tmp_path)
    assert chosen.database == f"sqlite:///{tmp_path}/own.db"
    assert chosen.mail_dir == tmp_path / "outbox"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("news.db", "sqlite:///news.db"),
        ("/var/lib/news.db", "sqlite:////var/lib/news.db"),
        ("sqlite:////var/lib/news.db", "sqlite:////var/lib/news.db"),
        ("postgres://db/news", "postgresql://db/news"),
        ("postgresql+psycopg:///news?host=/run/pg", "postgresql:///news?host=/run/pg"),
    ],
)
def test_a_database_may_be_a_path_or_a_url(written: str, read: str) -> None:
    assert settings.load({"AGGREGATOR_DATABASE": written}).database == read


@pytest.mark.parametrize("written", ["sqlite://", "sqlite:///:memory:", ":memory:", "postgresql://db:port/news"])
def test_a_database_that_cannot_be_shared_or_reached_is_refused(written: str) -> None:
    assert problems({"AGGREGATOR_DATABASE": written}).keys() == {"AGGREGATOR_DATABASE"}


def test_procrastinate_needs_postgresql() -> None:
    assert "PostgreSQL" in problems({"AGGREGATOR_ENGINE": "procrastinate"})["AGGREGATOR_ENGINE"]


def test_no_secret_shows_in_a_repr_or_a_problem() -> None:
    environ = {"AGGREGATOR_DATABASE": "postgresql://app:tulip@db/n?password=tulip", "AGGREGATOR_SECRET": "tulip"}
    chosen = settings.load(environ)
    assert "tulip" not in repr(chosen)
    assert "tulip" not in f"{chosen.secret} {chosen.database_shown}"
    assert chosen.database_shown == "postgresql://app:***@db/n?password=***"
    assert "tulip" not in str(problems({"AGGREGATOR_DATABASE": "mysql://app:tulip@db/n"}))


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("tulip\n")
    environ = {"AGGREGATOR_SECRET_FILE": str(tmp_path / "password")}
    secret = settings.load(environ).secret
    assert secret is not None
    assert secret.reveal() == "tulip"


def test_a_secret_file_that_is_missing_empty_or_doubled_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    told = problems(
        {
            "AGGREGATOR_SECRET_FILE": str(tmp_path / "missing"),
            "AGGREGATOR_SMTP_PASSWORD_FILE": str(tmp_path / "empty"),
            "AGGREGATOR_DATABASE": "news.db",
            "AGGREGATOR_DATABASE_FILE": str(tmp_path / "empty"),
            "AGGREGATOR_LISTEN_FILE": str(tmp_path / "empty"),
        }
    )
    assert "No such file" in told["AGGREGATOR_SECRET_FILE"]
    assert "empty" in told["AGGREGATOR_SMTP_PASSWORD_FILE"]
    assert "AGGREGATOR_DATABASE is set as well" in told["AGGREGATOR_DATABASE_FILE"]
    assert "no such setting" in told["AGGREGATOR_LISTEN_FILE"]


def test_mail_in_the_clear_stays_on_this_machine() -> None:
    plain = {"AGGREGATOR_SMTP_TLS": "none", "AGGREGATOR_MAIL_FROM": "a@example.org"}
    for host in ("localhost", "127.0.0.1", "::1"):
        assert settings.load(plain | {"AGGREGATOR_SMTP_HOST": host}).smtp_port == 25
    told = problems(plain | {"AGGREGATOR_SMTP_HOST": "mail.example.org"})
    assert told.keys() == {"AGGREGATOR_SMTP_TLS"}


def test_smtp_needs_a_server_a_sender_and_a_whole_login() -> None:
    assert problems({"AGGREGATOR_MAIL_TRANSPORT": "smtp"}).keys() == {"AGGREGATOR_SMTP_HOST"}
    told = problems({"AGGREGATOR_SMTP_HOST": "mail.example.org", "AGGREGATOR_SMTP_USER": "desk"})
    assert told.keys() == {"AGGREGATOR_SMTP_PASSWORD", "AGGREGATOR_MAIL_FROM"}


def test_a_file_transport_wins_over_a_named_server() -> None:
    environ = {"AGGREGATOR_SMTP_HOST": "mail.example.org", "AGGREGATOR_MAIL_TRANSPORT": "file"}
    assert settings.load(environ).mail_transport == "file"


def test_the_feed_list_may_name_own_variables_but_never_the_services_secrets(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("rose\n")
    lookup = settings.secret_lookup(
        {
            "AGGREGATOR_KEY_FILE": str(tmp_path / "key"),
            "AGGREGATOR_OTHER_FILE": str(tmp_path / "missing"),
            "AGGREGATOR_DESK_EMAIL": "desk@example.org",
            "AGGREGATOR_SECRET": "tulip",
            "AGGREGATOR_DATABASE": "postgresql://app:tulip@db/n",
            "HOME": "/root",
        }
    )
    assert lookup == {"AGGREGATOR_KEY": "rose", "AGGREGATOR_DESK_EMAIL": "desk@example.org"}
