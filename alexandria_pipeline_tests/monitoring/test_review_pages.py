"""The review in the browser: signing in, decisions by form, two persons, undo, and what must not work."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import argon2
import httpx
import pytest

from alexandria_pipeline.operations.review import Review
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.monitoring.conftest import serving
from alexandria_pipeline_tests.world import JUNE, pipeline, rows, run_all

PASSWORD = "correct horse battery"
_QUICK = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
REVIEWERS = ";".join(f"{name}:{_QUICK.hash(PASSWORD + name)}" for name in ("anna", "ben"))

CATALOGUE = (
    "title\tauthor\tisbn13\tdate\tlanguage\tpublisher\n"
    "Circe: Daughter of Helios\tMadeline Miller\t9780316556347\t2020\ten\t<script>alert(1)</script>\n"
    "The Great Escape\tPaul Brickhill\t9780571359059\t2020\ten\tFaber\n"
    "The Great Escape\tKati Marton\t9780743261159\t2020\ten\tSimon & Schuster\n"
)
LIST = "month\ttitle\tauthor\n2020-06\tCirce: Lord of the Lions\tMadeline Miller\n2020-06\tThe Great Escape\t\n"

Enter = Callable[[str], httpx.Client]


@pytest.fixture
def library(database: Database, tmp_path: Path) -> Database:
    """A month with two near misses."""
    run_all(database, pipeline(database, tmp_path, LIST, CATALOGUE), [JUNE])
    return database


@pytest.fixture
def enter(library: Database) -> Iterator[Enter]:
    """Signs a person in: a client with a cookie of its own, at one server."""
    with serving(library, reviewers=REVIEWERS) as visitor, ExitStack() as clients:

        def signed_in(name: str) -> httpx.Client:
            client = clients.enter_context(httpx.Client(base_url=visitor.base_url, timeout=30, trust_env=False))
            answer = client.post("/review/sign-in", data={"name": name, "password": PASSWORD + name})
            assert answer.status_code == 303, answer.text
            cookie = answer.headers["set-cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=strict" in cookie
            assert "max-age=" in cookie
            return client

        yield signed_in


def _fields(client: httpx.Client, title: str) -> dict[str, str]:
    """The hidden fields of the first form of a work."""
    page = client.get("/review").text
    card = page[page.index(f">{html.escape(title)}</a></h2>") :]
    form = card[card.index("<form") : card.index("</form>")]
    return {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)} | {
        "decision": ""
    }


def _decide(client: httpx.Client, fields: dict[str, str], decision: str, **others: str) -> httpx.Response:
    return client.post("/review/decide", data={**fields, "decision": decision, **others})


def test_a_visitor_sees_both_sides_and_can_change_nothing(library: Database) -> None:
    with serving(library) as client:
        page = client.get("/review")
        assert page.status_code == 200
        assert page.headers["referrer-policy"] == "same-origin", "else browsers send `Origin: null` with the forms"
        assert "Circe: Lord of the Lions" in page.text
        assert "<mark>Circe: Daughter of Helios</mark>" in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        assert "9780571359059" in page.text and "9780743261159" in page.text  # noqa: PT018 - both of the ambiguous ones
        assert '<form method="post"' not in page.text
        assert "alexandria reviewers add NAME" in page.text
        assert client.post("/review/decide", data={"decision": "none"}).status_code == 401
        answer = client.post("/review/sign-in", data={"name": "", "password": ""})
        assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)


def test_a_decision_is_stored_with_the_name_and_can_be_undone(library: Database, enter: Enter) -> None:
    anna = enter("anna")
    assert _decide(anna, _fields(anna, "Circe: Lord of the Lions"), "accept").headers["location"] == "/review"
    (decision,) = rows(library, "select decision, isbn13, decided_by from review_decision")
    assert decision == {"decision": "accepted", "isbn13": "9780316556347", "decided_by": "anna"}
    assert rows(library, "select count(*) as n from generated_book where isbn13 = '9780316556347'") == [{"n": 1}]
    page = anna.get("/review").text
    assert "9780316556347 accepted" in page
    token, review_id = (re.findall(rf'name="{name}" value="([^"]+)"', page)[-1] for name in ("token", "review_id"))
    assert anna.post("/review/undo", data={"token": token, "review_id": review_id}).status_code == 303
    assert len(Review(library).near_misses()) == 2


@pytest.mark.parametrize(
    ("decision", "isbn13", "stored"),
    [("reject", None, "rejected"), ("none", None, "rejected"), ("other", "0-306-40615-2", "accepted")],
)
def test_the_other_decisions(library: Database, enter: Enter, decision: str, isbn13: str | None, stored: str) -> None:
    ben = enter("ben")
    fields = _fields(ben, "The Great Escape")
    assert _decide(ben, fields, decision, other=isbn13 or "").status_code == 303
    (row,) = rows(library, "select decision, isbn13 from review_decision")
    wanted = {"reject": fields["isbn"], "none": None, "other": "9780306406157"}[decision]
    assert row == {"decision": stored, "isbn13": wanted}


def test_the_second_of_two_persons_is_shown_what_the_first_decided(library: Database, enter: Enter) -> None:
    anna, ben = enter("anna"), enter("ben")
    title = "Circe: Lord of the Lions"
    first, second = _fields(anna, title), _fields(ben, title)
    assert _decide(anna, first, "reject").status_code == 303
    late = _decide(ben, second, "accept")
    assert late.status_code == 409
    assert "anna has decided about Circe: Lord of the Lions in the meantime" in late.text
    assert len(rows(library, "select from review_decision")) == 1
    wrong = _decide(ben, _fields(ben, "The Great Escape"), "other", other="123")
    assert wrong.status_code == 409
    assert 'role="alert"' in wrong.text


def test_forged_cookies_tokens_and_origins_are_refused(library: Database, enter: Enter) -> None:
    anna, ben = enter("anna"), enter("ben")
    fields = _fields(anna, "The Great Escape")
    cookie = anna.cookies["alexandria_review"]
    foreign = {**fields, "token": _fields(ben, "The Great Escape")["token"]}
    assert _decide(anna, foreign, "none").status_code == 403
    assert _decide(anna, {**fields, "token": ""}, "none").status_code == 403
    cross = anna.post("/review/decide", data={**fields, "decision": "none"}, headers={"Origin": "https://evil.example"})
    assert cross.status_code == 403
    for forged in (cookie[:-2], cookie.replace(".", "x", 1), "anna", "", "é", '"' * 4000):
        anna.cookies.clear()
        answer = anna.post(
            "/review/decide",
            data={**fields, "decision": "none"},
            headers={b"Cookie": f"alexandria_review={forged}".encode()},
        )
        assert answer.status_code == 401, forged
    for body in (b"\xff", b"token=" + b"x" * 20_000, b"&".join(b"a=1" for _ in range(50))):
        answer = ben.post("/review/decide", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status_code in (400, 413)
    assert rows(library, "select from review_decision") == []
    assert (
        anna.post(
            "/api/internal/schedule-backfill", json={}, headers={"Cookie": f"alexandria_review={cookie}"}
        ).status_code
        == 401
    )


def test_another_password_or_a_removed_reviewer_ends_the_sessions_and_a_restart_does_not(
    library: Database, enter: Enter
) -> None:
    headers = {"Cookie": f"alexandria_review={enter('anna').cookies['alexandria_review']}"}
    for reviewers, signed_in in ((REVIEWERS, True), (REVIEWERS.split(";")[1], False)):
        with serving(library, reviewers=reviewers) as client:
            assert ("Signed in as" in client.get("/review", headers=headers).text) is signed_in


def test_guessing_is_slowed_down(library: Database) -> None:
    with serving(library, reviewers=REVIEWERS) as client:
        wrong = {"name": "anna", "password": "guess"}
        answers = [client.post("/review/sign-in", data=wrong) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {401, 429}
        texts = {
            client.post("/review/sign-in", data={"name": name, "password": "x"}).status_code
            for name in ("anna", "carl")
        }
        assert texts <= {401, 429}


def test_doubts_about_authors_and_conflicts_are_on_the_page(library: Database, enter: Enter) -> None:
    rows(
        library,
        "insert into field_conflict (kind, subject, field, detail) values ('edition', '9780000000002', 'pages', 'pages 1 < 9') returning 1",
    )
    rows(
        library,
        "insert into enriched_authors (author_key, name, name_key) values ('viaf:1', 'Ann Moore', 'ann moore'),"
        " ('viaf:2', 'A. Moore', 'a moore') returning 1",
    )
    rows(
        library,
        "insert into identity_judgement (kind, left_key, right_key, verdict, rule, decided_by)"
        " values ('author', 'viaf:1', 'viaf:2', 'unsure', 'name and work', 'run') returning 1",
    )
    page = enter("anna").get("/review").text
    assert "pages: pages 1 &lt; 9" in page
    assert ">Ann Moore</a> <small>viaf:1</small>" in page


@pytest.fixture
def pair(library: Database) -> dict[str, str]:
    """Two works that a run could not judge, one of them with a hostile title."""
    rows(
        library,
        "insert into enriched_works (work_key, title, author, title_key, author_key, primary_provider)"
        " values ('a:1', %s, 'Madeline Miller', 'circe', 'miller', 'test'),"
        " ('b:2', 'Circe', 'Madeline Miller', 'circe', 'miller', 'test') returning 1",
        "<img src=x onerror=alert(1)>",
    )
    rows(
        library,
        "insert into identity_judgement (kind, left_key, right_key, verdict, rule, evidence, decided_by)"
        """ values ('work', 'a:1', 'b:2', 'unsure', 'title_and_author', '{"guard": "years"}', 'run-1') returning 1""",
    )
    return {"kind": "work", "left": "a:1", "right": "b:2"}


def _pair_fields(client: httpx.Client, pair: dict[str, str]) -> dict[str, str]:
    page = client.get("/review/pair", params=pair).text
    form = page[page.index('action="/review/pair"') :]
    return {
        name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    }


def _merged(database: Database) -> int:
    return len(rows(database, "select 1 from enriched_works where merged_into is not null"))


def test_a_pair_is_joined_and_the_judgement_undone(library: Database, enter: Enter, pair: dict[str, str]) -> None:
    anna = enter("anna")
    assert "/review/pair?kind=work&amp;left=a%3A1&amp;right=b%3A2" in anna.get("/review").text
    page = anna.get("/review/pair", params=pair).text
    assert "<img src=x" not in page
    fields = _pair_fields(anna, pair)
    assert anna.post("/review/pair", data={**fields, "verdict": "same"}).status_code == 303
    assert _merged(library) == 1
    (judged,) = rows(library, "select * from identity_judgement where withdrawn_at is null")
    assert (judged["verdict"], judged["rule"], judged["decided_by"]) == ("same", "person", "anna")

    undo = {"token": fields["token"], "judgement_id": str(judged["judgement_id"])}
    ben = enter("ben")
    token = re.findall(r'name="token" value="([^"]+)"', ben.get("/review").text)[0]
    assert ben.post("/review/pair/undo", data={**undo, "token": token}).status_code == 409
    assert anna.post("/review/pair/undo", data=undo).status_code == 303
    assert _merged(library) == 0
    (left,) = Review(library).refused_merges()
    assert (left["left_key"], left["rule"], left["guard"]) == ("a:1", "title_and_author", "years")


def test_a_pair_is_decided_once_and_only_by_reviewers(library: Database, enter: Enter, pair: dict[str, str]) -> None:
    anna, ben = enter("anna"), enter("ben")
    first, second = _pair_fields(anna, pair), _pair_fields(ben, pair)
    assert anna.post("/review/pair", data={**first, "verdict": "different"}).status_code == 303
    late = ben.post("/review/pair", data={**second, "verdict": "same"})
    assert (late.status_code, "anna has decided about this pair in the meantime" in late.text) == (409, True)
    assert _merged(library) == 0
    for data, status in (({**first, "verdict": "x"}, 400), ({**first, "token": "x", "verdict": "same"}, 403)):
        assert anna.post("/review/pair", data=data).status_code == status
    with httpx.Client(base_url=anna.base_url, timeout=30, trust_env=False) as visitor:
        assert visitor.post("/review/pair", data={**first, "verdict": "same"}).status_code == 401
        assert '<form method="post"' not in visitor.get("/review/pair", params=pair).text
        for wrong in ({"kind": "x"}, {"left": ""}, {"right": "a:1"}, {"left": "none"}, {"left": "\0"}):
            assert visitor.get("/review/pair", params=pair | wrong).status_code == 404
