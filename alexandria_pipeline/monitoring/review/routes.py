"""The routes of the review: the near misses, signing in and out, decisions and their undoing."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import parse_qs

from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

from alexandria_pipeline.domain.errors import InvalidValue, MonthOwned
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.monitoring.api.rate_limit import RateLimit
from alexandria_pipeline.monitoring.pages.rendering import policy, render
from alexandria_pipeline.monitoring.requests import read_body
from alexandria_pipeline.monitoring.responses import Refusal
from alexandria_pipeline.monitoring.review.session import Session, Sessions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from alexandria_pipeline.domain.merging.claims import Judged
    from alexandria_pipeline.storage.threads import Threads

SHOWN = 20  # works of the page, and conflicts
TRIES_PER_MINUTE = 30  # of one client to sign in; five at once
SCRIPT = "review.js"


class Reviews(Protocol):
    """What the pages need of `operations.review.Review`."""

    def near_misses(self) -> list[dict[str, Any]]: ...

    def refused_merges(self) -> list[dict[str, Any]]: ...

    def conflicts(self, limit: int | None = None) -> list[dict[str, Any]]: ...

    def pair(self, kind: Judged, left: str, right: str) -> dict[str, Any]: ...

    def judge(
        self, kind: Judged, left: str, right: str, verdict: Literal["same", "different"], by: str, seen: int
    ) -> object: ...

    def judgements(self, by: str) -> list[dict[str, Any]]: ...

    def undo_judgement(self, judgement_id: int, by: str) -> object: ...

    def last(self, by: str) -> list[dict[str, Any]]: ...

    def accept(self, work_key: str, isbn13: Isbn13, by: str, why: str = "", seen: int | None = None) -> object: ...

    def reject(
        self, work_key: str, isbn13: Isbn13 | None, by: str, why: str = "", seen: int | None = None
    ) -> object: ...

    def undo(self, review_id: int, by: str) -> object: ...


def routes(reviews: Reviews, sessions: Sessions, threads: Threads, *, covers: bool) -> list[Route]:
    """Returns the routes of the review. `covers`: whether /covers is there."""
    pages = _Pages(reviews, sessions, threads, covers=covers)
    limit = [Middleware(RateLimit, per_minute=TRIES_PER_MINUTE)]
    return [
        Route("/review", pages.show),
        Route("/review/sign-in", pages.form),
        Route("/review/sign-in", pages.sign_in, methods=["POST"], middleware=limit),
        Route("/review/sign-out", pages.sign_out, methods=["POST"]),
        Route("/review/decide", pages.decide, methods=["POST"]),
        Route("/review/undo", pages.undo, methods=["POST"]),
        Route("/review/pair", pages.show_pair),
        Route("/review/pair", pages.judge, methods=["POST"]),
        Route("/review/pair/undo", pages.undo_judgement, methods=["POST"]),
    ]


class _Pages:
    """One method per path."""

    def __init__(self, reviews: Reviews, sessions: Sessions, threads: Threads, *, covers: bool) -> None:
        self._reviews, self._sessions, self._threads, self._covers = reviews, sessions, threads, covers

    async def show(self, request: Request) -> Response:
        return await self._page(self._sessions.of(request))

    async def form(self, request: Request) -> Response:
        if self._sessions.of(request):
            return RedirectResponse("/review", 303)
        return self._sign_in_page()

    async def sign_in(self, request: Request) -> Response:
        given = await _form(request)
        name = given.get("name", "").strip()
        if not self._sessions.open or not await self._threads.run(
            self._sessions.right, name, given.get("password", "")
        ):
            return self._sign_in_page("The name or the password is wrong.", 401)
        response = RedirectResponse("/review", 303)
        self._sessions.begin(response, name, secure=request.url.scheme == "https")
        return response

    async def sign_out(self, request: Request) -> Response:
        await self._signed(request)
        response = RedirectResponse("/review", 303)
        self._sessions.end(response)
        return response

    async def decide(self, request: Request) -> Response:
        session, given = await self._signed(request)
        try:
            await self._threads.run(self._decide, given, session.name)
        except (InvalidValue, MonthOwned) as error:
            return await self._page(session, str(error), 409)
        return RedirectResponse("/review", 303)

    async def undo(self, request: Request) -> Response:
        session, given = await self._signed(request)
        try:
            await self._threads.run(self._reviews.undo, _number(given, "review_id"), session.name)
        except (InvalidValue, MonthOwned) as error:
            return await self._page(session, str(error), 409)
        return RedirectResponse("/review", 303)

    async def show_pair(self, request: Request) -> Response:
        return await self._pair_page(self._sessions.of(request), request.query_params)

    async def judge(self, request: Request) -> Response:
        session, given = await self._signed(request)
        if given.get("verdict") not in {"same", "different"}:
            raise Refusal(400, "choose one of: same, different")
        verdict: Literal["same", "different"] = "same" if given["verdict"] == "same" else "different"
        kind, left, right = _pair(given)
        try:
            await self._threads.run(
                self._reviews.judge, kind, left, right, verdict, session.name, _number(given, "seen")
            )
        except InvalidValue as error:
            return await self._page(session, str(error), 409)
        return RedirectResponse("/review#merges", 303)

    async def undo_judgement(self, request: Request) -> Response:
        session, given = await self._signed(request)
        try:
            await self._threads.run(self._reviews.undo_judgement, _number(given, "judgement_id"), session.name)
        except InvalidValue as error:
            return await self._page(session, str(error), 409)
        return RedirectResponse("/review#merges", 303)

    async def _pair_page(self, session: Session | None, given: Mapping[str, str]) -> Response:
        kind, left, right = _pair(given)
        try:
            pair = await self._threads.run(self._reviews.pair, kind, left, right)
        except InvalidValue as error:
            raise Refusal(404, str(error)) from None
        fields = [{name: _text(value) for name, value in field.items()} for field in pair["fields"]]
        content = render("pair.html", SCRIPT, pair=pair, fields=fields, session=session, open=self._sessions.open)
        return HTMLResponse(content, headers=_headers())

    def _decide(self, given: Mapping[str, str], by: str) -> None:
        key, seen, why = given.get("work_key", ""), _number(given, "seen"), given.get("why", "").strip()
        match given.get("decision"):
            case "accept":
                self._reviews.accept(key, Isbn13.parse(given.get("isbn", "")), by, why, seen)
            case "reject":
                self._reviews.reject(key, Isbn13.parse(given.get("isbn", "")), by, why, seen)
            case "none":
                self._reviews.reject(key, None, by, why, seen)
            case "other":
                self._reviews.accept(key, Isbn13.parse(given.get("other", "")), by, why, seen)
            case _:
                raise InvalidValue("choose one of: accept, reject, none, other")

    async def _signed(self, request: Request) -> tuple[Session, Mapping[str, str]]:
        """The session and the fields of a form. Raises Refusal without a session or with a foreign token."""
        session = self._sessions.of(request)
        if session is None:
            raise Refusal(401, "sign in at /review/sign-in first")
        given = await _form(request)
        if not hmac.compare_digest(given.get("token", "").encode(), session.token.encode()):
            raise Refusal(403, "the form is not of this session; load /review again")
        return session, given

    async def _page(self, session: Session | None, message: str = "", status: int = 200) -> Response:
        found = await self._threads.run(self._reviews.near_misses)
        works = _by_work(found)
        content = render(
            "review.html",
            SCRIPT,
            works=works[:SHOWN],
            left=len(works),
            merges=await self._threads.run(self._reviews.refused_merges),
            conflicts=await self._threads.run(self._reviews.conflicts, SHOWN),
            session=session,
            open=self._sessions.open,
            last=await self._threads.run(self._reviews.last, session.name) if session else [],
            judgements=await self._threads.run(self._reviews.judgements, session.name) if session else [],
            message=message,
            covers=self._covers,
        )
        return HTMLResponse(content, status, headers=_headers())

    def _sign_in_page(self, message: str = "", status: int = 200) -> Response:
        content = render("sign_in.html", SCRIPT, message=message, open=self._sessions.open)
        return HTMLResponse(content, status, headers=_headers())


def _by_work(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The works in the order of their nearest candidate, each with what was offered and how that differs."""
    works: dict[str, dict[str, Any]] = {}
    for row in rows:
        named = {name: row[name] for name in ("work_key", "title", "author", "months", "seen")}
        offered = works.setdefault(row["work_key"], {**named, "offers": []})["offers"]
        for isbn13, facts in ((row["isbn13"], row["candidate"]), *_runner_up(row["candidate"])):
            if isbn13 not in {each["isbn13"] for each in offered}:
                offered.append({**_offer(row, facts), "isbn13": isbn13})
    return list(works.values())


def _runner_up(candidate: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    second = candidate.get("runner_up")
    return [(second["isbn13"], second)] if second and second.get("isbn13") else []


def _offer(row: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    names = [each["name"] if isinstance(each, dict) else each for each in facts.get("authors", ())]
    title = ": ".join(filter(None, (facts.get("title"), facts.get("subtitle"))))
    return {
        "title": title,
        "title_differs": normalise(title) != normalise(row["title"]),
        "authors": ", ".join(names),
        "author_differs": normalise(row["author"]) not in {normalise(name) for name in names},
        "facts": {
            name: facts[name]
            for name in ("published", "publisher", "language", "format", "pages")
            if facts.get(name) not in (None, "", "unknown")
        },
        "provider": row["provider"],
        "confidence": row["confidence"],
        "words": row["words"],
        "evidence": row["evidence"],
    }


def _pair(given: Mapping[str, str]) -> tuple[Judged, str, str]:
    """The pair that a link or a form names. Raises Refusal 404."""
    kind, left, right = given.get("kind"), given.get("left", ""), given.get("right", "")
    if kind not in {"work", "author"} or not left or not right or "\0" in left + right:
        raise Refusal(404, "a pair is named by kind (work or author), left and right")
    return "work" if kind == "work" else "author", left, right


def _text(value: Any) -> str:
    """A value of a field in words: names of lists, addresses of pictures, "scheme: value"."""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        named = value.get("name") or value.get("url")
        return str(named) if named else ", ".join(f"{name}: {_text(each)}" for name, each in value.items())
    return "" if value is None else str(value)


def _headers() -> dict[str, str]:
    """With the usual policy no-referrer, a browser sends `Origin: null` with a form, which the guard of hosts refuses."""
    return {"Content-Security-Policy": policy(SCRIPT), "Referrer-Policy": "same-origin"}


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of a form, each once. Raises Refusal: 415, 413, or 400 for what is no form."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise Refusal(415, "the body must be a form")
    try:
        fields = parse_qs((await read_body(request)).decode("ascii"), max_num_fields=20, keep_blank_values=True)
    except ValueError:
        raise Refusal(400, "the body is not a form") from None
    return {name: values[0].replace("\0", "") for name, values in fields.items()}


def _number(given: Mapping[str, str], name: str) -> int:
    text = given.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidValue(f"{name} is missing or no number; load /review again")
    return int(text)
