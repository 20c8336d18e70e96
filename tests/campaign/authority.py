"""A certificate authority of the tests' own."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")

# openssl-ca(1): of the programs that sign, the only one that every OpenSSL takes dates of
_SIGNING = """
[ca]
default_ca = authority
[authority]
database = database
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = subject
copy_extensions = copy
[subject]
commonName = supplied
"""


class Authority:
    """Makes certificates in a directory: ``NAME.pem`` and ``NAME.key``, and ``ca.pem`` to trust."""

    def __init__(self, directory: Path, name: str = "ca") -> None:
        self.directory = directory
        self.name = name
        self._run("req", "-x509", *_KEY, "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.pem", *_subject(name))

    def issue(self, name: str, *, host: str = "localhost", days: int = 2) -> None:
        """Issue a certificate for a host; with -1 day it has ended already."""
        extension = ("-addext", f"subjectAltName=DNS:{host}")
        self._run("req", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", *_subject(name), *extension)
        now = datetime.now(UTC)
        dates = ("-startdate", _written(now - timedelta(days=2)), "-enddate", _written(now + timedelta(days=days)))
        (self.directory / "database").touch()
        (self.directory / "signing").write_text(_SIGNING)
        signing = ("-config", "signing", "-batch", "-cert", f"{self.name}.pem", "-keyfile", f"{self.name}.key", *dates)
        self._run("ca", "-in", f"{name}.csr", "-notext", "-out", f"{name}.pem", *signing)
        # the broker runs as a user of its own
        (self.directory / f"{name}.key").chmod(0o644)

    def listener(self, name: str, *more: str) -> tuple[str, ...]:
        """Return what a broker's configuration needs to show a certificate."""
        files = {"cafile": f"{self.name}.pem", "certfile": f"{name}.pem", "keyfile": f"{name}.key"}
        return (*(f"{key} {self.directory / file}" for key, file in files.items()), *more)

    def _run(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)


def _subject(name: str) -> tuple[str, str]:
    return "-subj", f"/CN={name}"


def _written(moment: datetime) -> str:
    return f"{moment:%Y%m%d%H%M%SZ}"
