"""Whom we talk to, and what we never tell."""

from __future__ import annotations

import logging
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from urllib3.util import connection

from assembler.errors import DownloadError
from assembler.network.http import MAX_REDIRECTS, host_of

from ..conftest import SIGNATURE, Downloads, FileServer, media, redirect, segment, stall_after, status

BODY = media(20_000)

NOT_PUBLIC = [
    "127.0.0.1",
    "127.1",
    "127.000.000.001",
    "0x7f000001",
    "0x7f.1",
    "2130706433",
    "017700000001",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:10.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fec0::1]",
    "[fd00::1]",
    "[ff02::1]",
    "user:password@127.0.0.1",
    "example.com@127.0.0.1",
    "127.0.0.1#@example.com",
]


def why(download: Downloads, url: str, **options: Any) -> DownloadError:
    fetched = download(segment(url=url), **options)
    assert not fetched.files
    return fetched.failures["v1"]


@pytest.mark.parametrize("host", NOT_PUBLIC)
def test_nothing_is_asked_of_an_address_that_is_not_public(server: FileServer, download: Downloads, host: str) -> None:
    name, mark, rest = host.partition("#")
    failure = why(download, f"http://{name}:{server.server_port}/v1.mp4{mark}{rest}", allow_hosts=())
    assert not server.requests
    assert not failure.retry
    assert "not a public address" in failure.sentence
    assert "--allow-host" in failure.hint
    assert "password" not in f"{failure}{failure.hint}"


@pytest.mark.parametrize("host", ["localhost.", "127。0。0。1", "①②⑦.⓪.⓪.①"])
def test_odd_spellings_lead_nowhere(server: FileServer, download: Downloads, host: str) -> None:
    """Whether they are names at all depends on the machine's resolver."""
    assert why(download, server.url("/v1.mp4", host=host), allow_hosts=())
    assert not server.requests


@pytest.mark.parametrize("host", ["127.1", "localhost", "[::ffff:127.0.0.1]", "127.0.0.1.evil.invalid"])
def test_a_host_is_allowed_by_its_very_name_only(server: FileServer, download: Downloads, host: str) -> None:
    why(download, f"http://{host}:{server.server_port}/v1.mp4", allow_hosts=("127.0.0.1",))
    assert not server.requests


@pytest.mark.parametrize("name", ["localhost", "LocalHost"])
def test_a_name_the_user_allows_is_fetched_from(server: FileServer, download: Downloads, name: str) -> None:
    server.bodies["/v1.mp4"] = BODY
    fetched = download(segment(url=server.url("/v1.mp4", host="LOCALHOST")), allow_hosts=(name,))
    assert fetched.files["v1"].read_bytes() == BODY


def test_user_and_password_of_a_url_are_sent_to_its_host(server: FileServer, download: Downloads) -> None:
    server.bodies["/v1.mp4"] = BODY
    assert download(segment(url=server.url("/v1.mp4", host="user:pass@127.0.0.1"))).files
    assert server.requests[0][1]["authorization"].startswith("Basic ")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(server: FileServer, download: Downloads, code: int) -> None:
    server.bodies["/there"] = BODY
    server.always["/v1.mp4"] = redirect("/there", code)
    assert download(segment(url=server.url("/v1.mp4"))).files["v1"].read_bytes() == BODY


def test_a_redirected_download_is_resumed_too(server: FileServer, download: Downloads, monkeypatch: Any) -> None:
    monkeypatch.setattr("assembler.network.http.READ_SECONDS", 0.1)
    server.bodies["/there"] = BODY
    server.always["/v1.mp4"] = redirect("there")
    server.scripts["/there"] = [stall_after(7_000, 0.3)]
    assert download(segment(url=server.url("/v1.mp4"))).files["v1"].read_bytes() == BODY
    assert server.ranges()[-1] == "bytes=7000-"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("file:///etc/passwd", "only http and https"),
        ("ftp://127.0.0.1/x", "only http and https"),
        ("gopher://127.0.0.1/x", "only http and https"),
        ("http://169.254.169.254/latest", "not a public address"),
        ("http://localhost/x", "not a public address"),
        ("//[::1]/x", "not a public address"),
        ("http://[::1/x", "names no host"),
        ("http://:80/x", "names no host"),
        ("/v1.mp4", f"more than {MAX_REDIRECTS} times"),
    ],
)
def test_every_redirect_is_checked(server: FileServer, download: Downloads, target: str, said: str) -> None:
    server.always["/v1.mp4"] = redirect(target)
    failure = why(download, server.url("/v1.mp4"))
    assert said in failure.sentence
    assert not failure.retry


def test_the_huge_body_of_a_redirect_is_not_read(server: FileServer, download: Downloads) -> None:
    def far_too_much(a: Any) -> None:
        a.head(302, Location="/there")
        for _ in range(1024):  # 64 MiB, more than the buffers between us hold
            a.put(bytes(65536))
        a.close_connection = True

    server.bodies["/there"] = BODY
    server.always["/v1.mp4"] = far_too_much
    assert download(segment(url=server.url("/v1.mp4"))).files
    assert server.sent < 50_000_000


def test_the_connection_goes_to_the_address_that_was_checked(
    server: FileServer, download: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers public first and loopback afterwards gains nothing."""
    looked_up: list[str] = []
    connected: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: Any, port: Any, *args: Any, **given: Any) -> Any:
        if host == "rebind.example":
            looked_up.append(host)
            host = "93.184.216.34" if len(looked_up) == 1 else "127.0.0.1"
        return real(host, port, *args, **given)

    def connect(address: tuple[str, int], *args: Any, **given: Any) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(connection, "create_connection", connect)
    why(download, server.url("/v1.mp4", host="rebind.example"))
    assert connected == ["93.184.216.34"]
    assert not server.requests


def test_proxies_of_the_environment_do_not_choose_the_address(
    server: FileServer, download: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.bodies["/v1.mp4"] = BODY
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert download(segment(url=server.url("/v1.mp4"))).files


def test_cookies_are_not_kept(server: FileServer, download: Downloads) -> None:
    server.bodies["/there"] = BODY
    server.always["/v1.mp4"] = status(302, Location="/there", Set_Cookie="a=b; Path=/")
    assert download(segment(url=server.url("/v1.mp4"))).files
    assert "cookie" not in server.requests[-1][1]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "/v1.mp4",
        "C:\\v1.mp4",
        "ftp://example.com/v1.mp4",
        "data:video/mp4;base64,AAAA",
        "http:///v1.mp4",
        "http://",
        "http://[::1/v1.mp4",
        "http://example.com:99999/v1.mp4",
        "http://example.com:port/v1.mp4",
        "http://a..b/v1.mp4",
        f"http://{'a' * 300}/v1.mp4",
        "http://\udcff/v1.mp4",
        "http://*.example.com/v1.mp4",
        "http://ex\x00ample/v1.mp4",
    ],
)
def test_a_url_that_makes_no_sense_is_a_failure_of_its_segment(download: Downloads, url: str) -> None:
    failure = why(download, url)
    assert failure.hint
    assert str(failure).isprintable()
    assert len(str(failure)) < 250


def test_a_host_in_a_message_is_printable() -> None:
    assert host_of("http://exa\u202emple.com/") == "exa\\u202emple.com"


@pytest.mark.parametrize(
    "behave",
    [
        status(403),
        status(503),
        status(200),
        redirect(f"http://10.0.0.1/?{SIGNATURE}"),
        redirect(f"file:///x?{SIGNATURE}"),
        redirect(f"http://127.0.0.1:1/?{SIGNATURE}"),
        redirect(f"http://[{SIGNATURE}"),
        lambda a: a.reset(),
        lambda a: a.connection.sendall(b"nonsense\r\n\r\n"),
        lambda a: a.head(200, Content_Length="5, 6"),
        lambda a: a.head(200, Transfer_Encoding="chunked") or a.put(b"zz\r\n"),
    ],
)
def test_a_signature_is_never_told(
    server: FileServer,
    download: Downloads,
    behave: Any,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    server.always["/v1.mp4"] = behave
    failure: BaseException | None = why(download, server.url("/v1.mp4"))
    told = [caplog.text, *capfd.readouterr(), getattr(failure, "hint", "")]
    assert told[1] == "", "standard output belongs to the command line"
    while failure is not None:
        told += [str(failure), repr(failure), repr(failure.args)]
        failure = failure.__cause__ or failure.__context__
    assert "5ecret" not in "".join(told)


def test_a_certificate_nobody_vouches_for_is_final(server: FileServer, download: Downloads, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
        f"-subj /CN=127.0.0.1 -days 1 -keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    failure = why(download, server.url("/v1.mp4").replace("http:", "https:"))
    assert "certificate" in failure.sentence
    assert not failure.retry
