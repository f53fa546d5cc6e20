"""A real mail server, Postfix in a folder of its own: on loopback, with TLS, delivering into maildirs and nowhere else."""

import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.programs import need

DOMAIN = "receiver.example"
DAEMONS = Path("/usr/lib/postfix/sbin")

MAIN = """
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/lib
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {home}/log
maillog_file_prefixes = {home}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
disable_dns_lookups = yes
myhostname = mx.{domain}
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
default_transport = error:nothing leaves this machine
relay_transport = error:nothing leaves this machine
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {home}/mail
virtual_mailbox_maps = texthash:{home}/etc/people
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_mynetworks, reject
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {home}/etc/cert.pem
smtpd_tls_key_file = {home}/etc/key.pem
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000 1 tlsmgr
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running server: where it listens, and who trusts it."""

    port: int
    trust: ssl.SSLContext
    home: Path

    def mails(self, person: str) -> list[bytes]:
        """What was delivered to one of the people, in no order."""
        return [path.read_bytes() for path in (self.home / "mail" / person / "new").glob("*")]

    @property
    def log(self) -> str:
        path = self.home / "log"
        return path.read_text(errors="replace") if path.exists() else ""


def installed() -> str:
    """Where the program is, which is of use to root alone."""
    program = need("postfix", also_in="/usr/sbin")
    if os.geteuid() != 0:
        pytest.skip("only root can start Postfix")
    return program


@contextmanager
def running(*people: str) -> Iterator[Postfix]:
    """The server, which knows these people of `receiver.example` and nobody else."""
    program, authority = installed(), trustme.CA()
    # Its daemons are other users, who must be able to enter: pytest's own folders are closed to them.
    home = Path(tempfile.mkdtemp(prefix="postfix-"))
    try:
        home.chmod(0o755)
        port = _prepare(home, authority, people)
        command = [program, "-c", str(home / "etc")]
        subprocess.run([*command, "start"], check=True, capture_output=True, timeout=60)
        try:
            trust = ssl.create_default_context()
            authority.configure_trust(trust)
            yield Postfix(port=port, trust=trust, home=home)
        finally:
            subprocess.run([*command, "stop"], check=False, capture_output=True, timeout=60)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _prepare(home: Path, authority: trustme.CA, people: tuple[str, ...]) -> int:
    nobody, postfix = pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
    for name in ("etc", "spool", "lib", "mail"):
        (home / name).mkdir(mode=0o755)
    os.chown(home / "lib", postfix.pw_uid, postfix.pw_gid)
    os.chown(home / "mail", nobody.pw_uid, nobody.pw_gid)
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = int(probe.getsockname()[1])
    settings = {
        "home": home,
        "domain": DOMAIN,
        "daemons": DAEMONS,
        "uid": nobody.pw_uid,
        "gid": nobody.pw_gid,
        "port": port,
    }
    (home / "etc" / "main.cf").write_text(MAIN.format(**settings))
    (home / "etc" / "master.cf").write_text(MASTER.format(**settings))
    (home / "etc" / "people").write_text("".join(f"{person}@{DOMAIN} {person}/\n" for person in people))
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(home / "etc" / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(home / "etc" / "cert.pem")
    (home / "etc" / "key.pem").chmod(0o600)
    return port
