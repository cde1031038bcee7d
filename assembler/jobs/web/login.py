"""Login to the pages: one token, a signed cookie behind a form, a field in every form against forged requests."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from asyncio import sleep
from html import escape
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from assembler.jobs.web.listener import App, Receive, Scope, Send, is_loopback
from assembler.jobs.web.session import Session
from assembler.jobs.web.status_page import HEADERS, still_page
from assembler.options import Options

COOKIE = "assembler_session"
"""Name of the cookie."""
SESSION_SECONDS = 7 * 86_400
"""Maximum time for which somebody stays logged in, in s."""
FREE_TRIES = 5
"""Number of wrong tokens from one address that cost no time."""
FREE_TRIES_OF_ALL = 100
"""Number of wrong tokens from all addresses together that cost nobody time."""
TRIES_SECONDS = 900.0
"""Time after which a wrong token is forgotten, in s."""
SLOW_SECONDS = 2.0
"""Time that a further try waits, in s; one at a time from an address."""
LARGEST_FORM = 8192
"""Maximum size of the login form's body, in bytes."""
OPEN_PATHS = ("/callback", "/healthz")
"""Paths that ask for no token: callbacks are signed, and what is well is no secret."""
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
"""Headers of a proxy: whoever it asks for is not on this machine."""
REFUSED = (
    "the pages are shown on this machine alone as long as they have no token: set ASSEMBLER_PAGE_TOKEN (16 characters "
    "or more) for the server, and log in with it"
)
"""Reason of 403."""


class Login:
    """Lets requests pass that show the token, and answers all others; ``request.state.session`` tells who they are."""

    def __init__(self, app: App, options: Options, host: str) -> None:
        self._app, self._is_inside, self._opens_metrics = app, is_loopback(host), options.metrics_open
        token = options.page_token.get_secret_value() if options.page_token is not None else None
        self._token = token.encode() if token is not None else None
        self._key = hmac.digest(self._token or secrets.token_bytes(32), b"assembler session", hashlib.sha256)
        self._tries = _Tries()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        request.state.session = None
        answer = None if self._is_open(request) else await self._judge(request)
        await (answer or self._app)(scope, receive, send)

    def _is_open(self, request: Request) -> bool:
        path = request.url.path
        is_put = request.method == "PUT" and path.startswith("/tasks/")  # these have a token of their own
        return path.rstrip("/") in OPEN_PATHS or is_put or (self._opens_metrics and path == "/metrics")

    async def _judge(self, request: Request) -> Response | None:
        """Return the answer to somebody who may not pass; None: the application answers."""
        if self._token is None:
            return None if self._is_inside and _is_here(request) else _refusal(request, 403, REFUSED)
        if (request.method, request.url.path) == ("POST", "/login"):
            return await self._log_in(request)
        field = self._field_of(request.cookies.get(COOKIE, ""))
        if field is None and (given := request.headers.get("authorization", "")):
            if given[:7].lower() != "bearer ":
                return _refusal(request, 401, "send Authorization: Bearer TOKEN")
            if (refused := await self._try(request, given[7:].strip())) is not None:
                return refused
            field = ""
        if field is None:
            said = "Your session is over, or of another server." if COOKIE in request.cookies else ""
            return _ask(request, said)
        request.state.session = Session(field, where(request))
        if (request.method, request.url.path) == ("POST", "/logout"):
            return await self._log_out(request)
        return None

    async def _log_in(self, request: Request) -> Response:
        form = parse_qs((await _body(request)).decode("utf-8", "replace"), max_num_fields=10)
        goal = local_path(form.get("next", ["/"])[0])
        if (refused := await self._try(request, form.get("token", [""])[0].strip())) is not None:
            said = (
                "Too many wrong tokens came: wait a moment." if refused.status_code == 429 else "That is not the token."
            )
            return _form(said, goal, refused.status_code)
        answer = RedirectResponse(goal, 303)
        end, nonce = int(time.time()) + SESSION_SECONDS, secrets.token_hex(16)
        signed = f"{end}.{nonce}.{self._sign(f'{end}.{nonce}')}"
        is_secure = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))
        # lax: a link in a mail leads to the page, not to the form; no request of another site's form carries it
        answer.set_cookie(COOKIE, signed, SESSION_SECONDS, httponly=True, samesite="lax", secure=is_secure)
        return answer

    async def _log_out(self, request: Request) -> Response:
        form = parse_qs((await _body(request)).decode("utf-8", "replace"), max_num_fields=10)
        if not is_own(request, form.get("form", [""])[0]):
            return _refusal(request, 403, "the form is not of this server, or is too old: load its page anew")
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return answer

    async def _try(self, request: Request, given: str) -> Response | None:
        """Compare a token, slowly behind several wrong ones; None where it is right."""
        assert self._token is not None
        address = where(request)
        if not await self._tries.wait(address):
            answer = _refusal(request, 429, "too many wrong tokens came from this address: wait a moment")
            answer.headers["Retry-After"] = str(round(SLOW_SECONDS))
            return answer
        if hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._token):
            return None
        self._tries.note_wrong(address)
        return _refusal(request, 401, "the token is wrong")

    def _field_of(self, cookie: str) -> str | None:
        """Return the hidden field that belongs to a cookie; None for one that is not ours, or over."""
        end, _, rest = cookie.partition(".")
        nonce, _, signature = rest.partition(".")
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._sign(f"{end}.{nonce}").encode()):
            return None
        return self._sign(f"form {nonce}") if int(end) > time.time() else None

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


class _Tries:
    """Wrong tokens of late, by address, in the one thread of the event loop."""

    def __init__(self) -> None:
        self._wrong: list[tuple[float, str]] = []
        self._waiting: set[str] = set()

    def note_wrong(self, address: str) -> None:
        """Remember a wrong one."""
        self._wrong = [*self._wrong[-FREE_TRIES_OF_ALL:], (time.monotonic(), address)]

    async def wait(self, address: str) -> bool:
        """Wait where too many were wrong; False where another try of this address waits already."""
        since = time.monotonic() - TRIES_SECONDS
        late = [who for at, who in self._wrong if at > since]
        if late.count(address) < FREE_TRIES and len(late) <= FREE_TRIES_OF_ALL:
            return True
        if address in self._waiting or len(self._waiting) >= FREE_TRIES_OF_ALL:
            return False
        self._waiting.add(address)
        try:
            await sleep(SLOW_SECONDS)
        finally:
            self._waiting.discard(address)
        return True


def is_own(request: Request, field: str) -> bool:
    """Tell whether a request that changes something comes from a page of ours, or from a program with the token."""
    session: Session | None = request.state.session
    if session is None:
        return False
    if not session.field:
        return True
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    if site is None and origin is not None:  # an older browser; the host may be the proxy's
        hosts = {request.headers.get("host"), request.headers.get("x-forwarded-host")}
        if urlsplit(origin).netloc not in hosts:
            return False
    return hmac.compare_digest(field.encode("utf-8", "replace"), session.field.encode())


def where(request: Request) -> str:
    """Name the address that a request comes from; behind a proxy on this machine the one it names."""
    return request.client.host if request.client is not None else "an unknown address"


def local_path(text: str) -> str:
    """Return a path of this server, "/" for whatever leads elsewhere."""
    parts = urlsplit(text) if text.isprintable() and "\\" not in text else None
    is_local = parts is not None and not parts.scheme and not parts.netloc and text[:1] == "/" and text[:2] != "//"
    return text if is_local and len(text) < 2000 else "/"


def _is_here(request: Request) -> bool:
    """Tell whether a request was made on this machine, through no proxy."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _body(request: Request) -> bytes:
    """Receive a small body; b"" for a larger one."""
    raw = b""
    async for piece in request.stream():
        raw += piece
        if len(raw) > LARGEST_FORM:
            return b""
    return raw


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.endswith(".json")


def _refusal(request: Request, status: int, said: str) -> Response:
    if _wants_page(request):
        main = f"<h1>Not shown</h1><p>{escape(said[:1].upper() + said[1:])}.</p>"
        return HTMLResponse(still_page("Not shown", main), status, HEADERS)
    return JSONResponse({"error": said}, status, {"WWW-Authenticate": "Bearer"} if status == 401 else None)


def _ask(request: Request, said: str) -> Response:
    if not _wants_page(request):
        return _refusal(request, 401, "a token is needed: send Authorization: Bearer TOKEN, or log in at /")
    query = f"?{request.url.query}" if request.url.query else ""
    return _form(said, f"{request.url.path}{query}" if request.method in ("GET", "HEAD") else "/", 401)


def _form(said: str, goal: str, status: int) -> Response:
    told = f'<p class="box" role="alert">{escape(said)}</p>' if said else ""
    main = (
        f'<h1>Log in</h1>{told}<form method="post" action="/login" class="login">'
        f'<input type="hidden" name="next" value="{escape(local_path(goal))}">'
        '<label for="token">Token</label> <input id="token" name="token" type="password" required autofocus '
        'autocomplete="current-password" size="28"> <button>Log in</button></form>'
        '<p class="faint">The operator set it as <code>ASSEMBLER_PAGE_TOKEN</code>.</p>'
    )
    return HTMLResponse(still_page("Log in", main), status, HEADERS)
