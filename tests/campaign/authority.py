"""A certificate authority of the tests' own."""

import subprocess
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


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
        signing = ("-CA", f"{self.name}.pem", "-CAkey", f"{self.name}.key", "-days", str(days))
        self._run("x509", "-req", "-in", f"{name}.csr", *signing, "-copy_extensions", "copy", "-out", f"{name}.pem")
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
