"""Redirects: only https is allowed."""

import datetime
import ipaddress
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.corpora import hostile
from tests.corpora.test_download import SHA256, TEXT, cached, obtain, refusal
from unroll.corpora import download
from unroll.errors import UnrollError
from unroll.params.load import load

pytestmark = pytest.mark.usefixtures("repository")


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a PEM file with a certificate for 127.0.0.1, which this process trusts, and its key."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, *form) + certificate.public_bytes(serialization.Encoding.PEM)
    (path := tmp_path / "certificate.pem").write_bytes(pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    return path


def test_a_redirect_from_https_to_http_is_refused(
    server: hostile.Server, secure: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PLAIN_HOSTS", frozenset())
    server.behaviours["/t"] = hostile.good(TEXT)
    with hostile.serving(secure) as other:
        other.behaviours["/good"] = hostile.good(TEXT)
        other.behaviours["/moved"] = lambda request: request.answer(302, Location="/good")
        other.behaviours["/down"] = lambda request: request.answer(302, Location=server.url("/t"))
        assert "only https is allowed" in refusal(other.url("/down"))
        assert server.requests == []
        assert obtain(other.url("/moved")) == TEXT


def test_an_untrusted_certificate_is_refused_at_once(
    server: hostile.Server, secure: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with hostile.serving(secure) as other:
        assert "no secure connection" in refusal(other.url("/t"))
        assert other.requests == []


def test_a_redirect_loop_is_refused(server: hostile.Server) -> None:
    server.behaviours["/a"] = lambda request: request.answer(302, Location="/b")
    server.behaviours["/b"] = lambda request: request.answer(307, Location="/a")
    assert "more than 5 redirects" in refusal(server.url("/a"))
    assert len(server.requests) == 6


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1/t", "//evil.example:99999/", "data:,x"])
def test_a_redirect_to_another_protocol_is_refused(server: hostile.Server, place: str) -> None:
    server.behaviours["/t"] = lambda request: request.answer(301, Location=place)
    sentence = refusal(server.url("/t"))
    assert "only https is allowed" in sentence or "check the address" in sentence
    assert cached() == []


@pytest.mark.parametrize("url", ["http://example.org/t", "file:///etc/passwd", "https://example.org/a b", "ftp://a/t"])
def test_url_of_params_is_https_only(url: str, tmp_path: Path) -> None:
    values = YAML(typ="safe").load(Path(__file__).parents[2] / "params.yaml")
    values["corpora"]["prose"] |= {
        "source": "url",
        "url": url,
        "sha256": SHA256,
        "format": "text",
        "unknown_word": "none",
    }
    YAML().dump(values, tmp_path / "params.yaml")
    with pytest.raises(UnrollError, match=r"corpora\.prose\.url: "):
        load(tmp_path / "params.yaml")
