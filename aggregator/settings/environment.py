"""Environment variables -> Settings or all problems at once. Nothing is opened but what `NAME_FILE` variables name.

The feed list's text is read too, only for the `${NAME}` references that make a variable a known one.
"""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aggregator.core.digests.address import domain_of
from aggregator.core.errors import ConfigError, Problem
from aggregator.core.urls import is_loopback, redacted
from aggregator.settings.model import PREFIX, SECRETS, SETTINGS, Settings, Variable

_REFERENCE = re.compile(r"\$\{(AGGREGATOR_[A-Z0-9_]+)\}")
_MAX_TEXT = 1 << 20
_MAX_SECRET = 64 << 10
_SMTP_PORTS = {"starttls": 587, "implicit": 465, "none": 25}


def names() -> tuple[str, ...]:
    """Every environment variable that is a setting, `_FILE` variants included."""
    return (*SETTINGS, *sorted(f"{name}_FILE" for name in SECRETS))


def load(
    environ: Mapping[str, str],
    *,
    config: Path | None = None,
    database: str | None = None,
    data_dir: Path | None = None,
    redirect_all_to: str | None = None,
) -> Settings:
    """Settings of an environment; the arguments win over their variables. An empty value is an unset one.

    Raises ConfigError with every problem found: unknown names, wrong values, and values that contradict each other.
    """
    given = _given(environ)
    named = {"CONFIG": config, "DATABASE": database, "DATA_DIR": data_dir, "REDIRECT_ALL_TO": redirect_all_to}
    for name, argument in named.items():
        if argument is not None:
            given[PREFIX + name] = str(argument)
            given.pop(f"{PREFIX}{name}_FILE", None)
    problems: list[Problem] = []
    resolved = _resolve_files({name: given[name] for name in names() if name in given}, problems)
    values = {_field(name): _value(name, variable, resolved, problems) for name, variable in SETTINGS.items()}
    problems += _unknown(given, _references(values["config"]))
    if not problems:
        values = _with_derived(values)
        problems += _contradictions(values, mail_from_given=f"{PREFIX}MAIL_FROM" in resolved)
    if problems:
        raise ConfigError(problems)
    return Settings(**values)


def secret_lookup(environ: Mapping[str, str]) -> Mapping[str, str]:
    """What `${NAME}` in feeds.yaml may name: `AGGREGATOR_` variables, and the content of files that `NAME_FILE` names.

    The service's own secrets are left out, so that no edit of the feed list can send them anywhere. A file that cannot
    be read is left out too; the feed list then reports its name as not set.
    """
    given = _given(environ)
    resolved = _resolve_files({name: value for name, value in given.items() if name not in names()}, [])
    plain = {name: value for name, value in given.items() if name in SETTINGS and name not in SECRETS}
    return resolved | plain


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value.strip() for name, value in environ.items() if name.startswith(PREFIX) and value.strip()}


def _resolve_files(given: Mapping[str, str], problems: list[Problem]) -> dict[str, str]:
    """The variables with each `NAME_FILE` replaced by `NAME` and the file's content, its last line end removed."""
    resolved = {name: value for name, value in given.items() if not name.endswith("_FILE")}
    for name, path in given.items():
        target = name.removesuffix("_FILE")
        if target == name:
            continue
        if target in resolved:
            problems.append(Problem(where=name, message=f"{target} is set as well", hint="keep one of the two"))
            continue
        try:
            with Path(path).open("rb") as file:
                content = file.read(_MAX_SECRET).decode().rstrip("\r\n")
        except (OSError, ValueError) as error:
            problems.append(Problem(where=name, message=f"cannot read the file it names: {_reason(error)}"))
            continue
        if content:
            resolved[target] = content
        else:
            problems.append(Problem(where=name, message="the file it names is empty"))
    return resolved


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or "input error") if isinstance(error, OSError) else "it is not UTF-8 text"


def _field(name: str) -> str:
    return name.removeprefix(PREFIX).lower()


def _value(name: str, variable: Variable, given: Mapping[str, str], problems: list[Problem]) -> Any:
    text = given.get(name, variable.default)
    if text is None:
        return None
    try:
        return variable.read(text)
    except ValueError as error:
        found = "" if name in SECRETS else f", found {redacted(text)!r}"
        problems.append(Problem(where=name, message=f"{error}{found}"))
        return None


def _references(config: Path) -> frozenset[str]:
    """The `${AGGREGATOR_..}` names in the text of the feed list and of the subscribers' file beside it."""
    found: set[str] = set()
    for path in (config, config.parent / "subscribers.yaml"):
        try:
            with path.open("rb") as file:
                found.update(_REFERENCE.findall(file.read(_MAX_TEXT).decode(errors="replace")))
        except OSError:
            continue  # the feed list's own reader says why it cannot be read
    return frozenset(found)


def _unknown(given: Mapping[str, str], used: frozenset[str]) -> list[Problem]:
    known = {*names(), *used, *(f"{name}_FILE" for name in used)}
    problems = []
    for name in sorted(given.keys() - known):
        nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0)
        hint = f"the nearest name is {nearest[0]}; a name of your own must be used in feeds.yaml as ${{{name}}}"
        problems.append(Problem(where=name, message="no such setting", hint=hint))
    return problems


def _with_derived(values: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults that follow from other settings."""
    derived = {
        "database": f"sqlite:///{values['data_dir'] / 'aggregator.db'}",
        "mail_transport": "smtp" if values["smtp_host"] else "file",
        "mail_dir": values["data_dir"] / "outbox",
        "smtp_port": _SMTP_PORTS[values["smtp_tls"]],
        "dkim_domain": domain_of(values["mail_from"]) if values["dkim_selector"] else None,
    }
    return {name: derived.get(name) if value is None else value for name, value in values.items()}


def _contradictions(values: Mapping[str, Any], *, mail_from_given: bool) -> list[Problem]:
    problems = []
    if values["engine"] == "procrastinate" and not values["database"].startswith("postgresql:"):
        hint = f"set {PREFIX}DATABASE=postgresql://user@host/name, or leave {PREFIX}ENGINE unset"
        problems.append(
            Problem(where=f"{PREFIX}ENGINE", message="procrastinate needs a PostgreSQL database", hint=hint)
        )
    if bool(values["dkim_selector"]) != bool(values["dkim_key"]):
        missing = "DKIM_KEY" if values["dkim_selector"] else "DKIM_SELECTOR"
        message = "signing needs both a selector and a key"
        problems.append(Problem(where=PREFIX + missing, message=message))
    if (values["bounce_mailbox"] or "").startswith("imaps:") and not values["bounce_password"]:
        problems.append(Problem(where=f"{PREFIX}BOUNCE_PASSWORD", message="an IMAP mailbox needs its password"))
    if values["mail_transport"] == "smtp":
        problems += _smtp_contradictions(values, mail_from_given=mail_from_given)
    return problems


def _smtp_contradictions(values: Mapping[str, Any], *, mail_from_given: bool) -> list[Problem]:
    host = values["smtp_host"]
    if not host:
        hint = "name the mail server, or use file"
        return [Problem(where=f"{PREFIX}SMTP_HOST", message="smtp was chosen but no server is named", hint=hint)]
    problems = []
    if bool(values["smtp_user"]) != bool(values["smtp_password"]):
        missing = "SMTP_PASSWORD" if values["smtp_user"] else "SMTP_USER"
        problems.append(Problem(where=PREFIX + missing, message="a login needs both a user and a password"))
    if is_loopback(host):
        return problems
    if values["smtp_tls"] == "none":
        message = f"mail to {host} would cross the network in the clear"
        problems.append(Problem(where=f"{PREFIX}SMTP_TLS", message=message, hint="use starttls or implicit"))
    if not mail_from_given:
        hint = "an address that this server may send for"
        problems.append(Problem(where=f"{PREFIX}MAIL_FROM", message="mail needs a sender", hint=hint))
    return problems
