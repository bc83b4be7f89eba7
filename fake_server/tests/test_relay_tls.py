"""The relay speaks TLS to the target and believes no certificate it cannot verify."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from fake_server.relay.relay import Relay
from fake_server.tests.hostile import send, target
from fake_server.tests.wire_client import OK, Answer, Echo, ask, post, run
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Ending, Exchange

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for `localhost`, and its key."""
    certificate, key = folder / "localhost.pem", folder / "localhost.key"
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    paths = ["-addext", "subjectAltName=DNS:localhost", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run(["openssl", *command.split(), *paths], check=True, capture_output=True, timeout=60)
    return certificate, key


async def through(certificate: tuple[Path, Path], host: str, ca_file: Path | None) -> tuple[Exchange, Answer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    async with target(Echo(), tls=context) as url:
        port = url.rpartition(":")[2]
        async with Relay(f"https://{host}:{port}/v1", ca_file=ca_file) as relay:
            answer = await ask(relay.port, post())
            return relay.exchanges[0], answer


def test_a_trusted_target_is_relayed(certificate: tuple[Path, Path]) -> None:
    async def main() -> None:
        exchange, answer = await through(certificate, "localhost", certificate[0])
        assert (exchange.ending, answer.data) == (Ending.CLEAN, OK)

    run(main())


@pytest.mark.parametrize(
    ("host", "trusted", "words"),
    [
        ("localhost", False, "is not trusted: self-signed certificate"),
        ("127.0.0.1", True, "IP address mismatch"),
    ],
)
def test_an_untrusted_certificate_is_a_502(
    certificate: tuple[Path, Path], host: str, trusted: bool, words: str
) -> None:
    async def main() -> None:
        exchange, answer = await through(certificate, host, certificate[0] if trusted else None)
        assert exchange.ending is Ending.UNREACHABLE
        assert words in exchange.problem
        assert answer.data.startswith(b"HTTP/1.1 502 ")

    run(main())


def test_tls_to_a_target_without_tls_is_a_502() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        await send(writer, b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def main() -> None:
        async with target(plain) as url, Relay(url.replace("http:", "https:")) as relay:
            answer = await ask(relay.port, post())
            assert "TLS with 127.0.0.1" in relay.exchanges[0].problem
            assert answer.data.startswith(b"HTTP/1.1 502 ")

    run(main())


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_without_certificates_is_refused_in_words(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=r"ca\.pem"):
        Relay("https://localhost", ca_file=path)


def test_a_target_that_hangs_in_the_handshake_ends_at_the_connect_bound() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def main() -> None:
        bounds = Bounds(connect=0.1)
        async with target(silent) as url, Relay(url.replace("http:", "https:"), bounds=bounds) as relay:
            await ask(relay.port, post())
            assert "bound: connect" in relay.exchanges[0].problem

    run(main())
