"""Certificates for servers of the tests."""

import subprocess
from pathlib import Path


def certificate(directory: Path, name: str, *extra: str) -> tuple[Path, Path]:
    """Make ``NAME.pem`` and ``NAME.key`` in a folder, and return both."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1", *extra],
        cwd=directory, check=True, capture_output=True,
    )  # fmt: skip
    return directory / f"{name}.pem", directory / f"{name}.key"
