"""Wikipedia: only the article of the right person is used, whatever the shape of the response."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.metadata import AuthorBiography
from alexandria_pipeline.domain.records import PartialDate
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers import base
from alexandria_pipeline.providers.wikipedia.client import SPEC, Wikipedia, given_name_first, search_words, summary_path
from alexandria_pipeline.providers.wikipedia.models import Summary
from alexandria_pipeline.providers.wikipedia.parser import (
    biography,
    is_about,
    life_years,
    names_agree,
    parse_search,
    parse_summary,
)
from alexandria_pipeline_tests.providers.scripted_http import JSON, ScriptedHttp, payload, response, run

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTHOR = "Mara Ellison"
PAGE = "/api/rest_v1/page/summary/"


def transport(bodies: Mapping[str, Any]) -> ScriptedHttp:
    """Returns a JSON value or an answer for some paths, and 404 for all others."""
    script = {path: body if isinstance(body, Failed | Unavailable) else response(body) for path, body in bodies.items()}
    return ScriptedHttp(SPEC, response(stored("not_found"), 404), script, closed=Unavailable("off"))


def stored(name: str) -> Any:
    return payload("wikipedia", name)


def biography_of(bodies: Mapping[str, Any], author: str = AUTHOR) -> tuple[Any, list[str]]:
    """The biography of an author, and the paths of the requests."""
    http = transport(bodies)
    return run(Wikipedia(http).biography(author)), http.paths


def summary(**fields: Any) -> Summary:
    return Summary.model_validate({"type": "standard", "title": AUTHOR} | fields)


def test_an_article_with_the_name_as_title_is_one_request() -> None:
    found, paths = biography_of({f"{PAGE}Mara_Ellison": stored("summary")}, "Ellison, Mara")
    assert paths == [f"{PAGE}Mara_Ellison"]
    assert found == AuthorBiography(
        provider="wikipedia",
        name=AUTHOR,
        biography="Mara Jane Ellison was a Canadian novelist, best known for The Glass Harbour.",
        born=PartialDate(1947),
        died=PartialDate(2020),
        portrait_url="https://upload.wikimedia.org/x/Mara.jpg",
        identifiers=(("wikipedia", "Mara_Ellison"), ("wikidata", "Q1")),
    )


def test_articles_that_are_asked_for_together_are_one_request() -> None:
    pages = [
        {"title": "Mara Ellison", "extract": "Mara was a Canadian novelist.\nSecond.", "description": "Novelist (1947–2020)",
         "pageprops": {"wikibase_item": "Q1"}, "original": {"source": "https://upload.wikimedia.org/x/Mara.jpg"}},
        {"title": "John Vale", "extract": "John Vale may refer to:", "pageprops": {"disambiguation": ""}},
        {"title": "Olga Reed", "missing": True}, {"title": "Ann Poe", "extract": "Ann Poe is a Scottish poet."},
    ]  # fmt: skip
    answer = {"query": {"pages": pages, "redirects": [{"from": "Annie Poe", "to": "Ann Poe"}]}}
    script = {"/w/api.php": answer}
    http = transport(script)
    client = Wikipedia(http)

    async def ask() -> list[Any]:
        return await asyncio.gather(*map(client.biography, ["Mara Ellison", "John Vale", "Olga Reed", "Annie Poe"]))

    mara, listed, unknown, renamed = run(ask())
    assert (mara.biography, mara.died, mara.portrait_url) == (
        "Mara was a Canadian novelist.", PartialDate(2020), "https://upload.wikimedia.org/x/Mara.jpg",
    )  # fmt: skip
    assert ("wikidata", "Q1") in mara.identifiers
    assert isinstance(listed, Failed)  # the search, which has no script here
    assert isinstance(unknown, Failed)
    assert isinstance(renamed, AuthorBiography)
    assert renamed.name == "Ann Poe"
    assert [params["titles"] for path, params in http.requests if "titles" in params] == [
        "Mara Ellison|John Vale|Olga Reed|Annie Poe"
    ]
    http.script["/w/api.php"] = response({**answer, "continue": {"excontinue": 1}})
    assert all(isinstance(each, Failed) for each in run(ask()))  # a result that is cut is not used


def test_older_summaries_have_no_type_and_no_item() -> None:
    found, _ = biography_of({f"{PAGE}Mara_Ellison": stored("summary_old")})
    assert (found.name, found.born, found.identifiers) == (AUTHOR, None, (("wikipedia", "Mara_Ellison"),))


@pytest.mark.parametrize("first", ["disambiguation", "disambiguation_old", "summary_politician", None])
def test_another_page_is_followed_by_one_search(first: str | None) -> None:
    bodies = {"/w/api.php": stored("search"), f"{PAGE}Mara_Ellison_%28author%29": stored("summary_author")}
    found, paths = biography_of(bodies | ({f"{PAGE}Mara_Ellison": stored(first)} if first else {}))
    assert paths == [f"{PAGE}Mara_Ellison", "/w/api.php", f"{PAGE}Mara_Ellison_%28author%29"]
    assert (found.name, found.born) == (AUTHOR, PartialDate(1947))


def test_an_unknown_author_is_not_found() -> None:
    assert biography_of({"/w/api.php": stored("search_empty")})[0] == NotFound()
    assert biography_of({"/w/api.php": stored("search")}, "Olga Tokarczuk")[0] == NotFound()
    assert biography_of({"/w/api.php": stored("search")}, "Unknown") == (NotFound(), [])
    politician = {"/w/api.php": stored("search"), f"{PAGE}Mara_Ellison_%28author%29": stored("summary_politician")}
    assert biography_of(politician)[0] == NotFound()


def test_failures_are_never_not_found() -> None:
    errors: list[Any] = [
        None,
        [],
        "text",
        3,
        {},
        stored("error"),
        stored("errors"),
        Failed("cut"),
        Unavailable("off"),
    ]
    for body in [*errors, {"title": ["Mara"]}]:
        assert isinstance(biography_of({f"{PAGE}Mara_Ellison": body})[0], (Failed, Unavailable))
    for body in [*errors, {"query": None}, {"query": {"search": {}}}, {"query": {"search": [1]}}]:
        assert isinstance(biography_of({"/w/api.php": body})[0], (Failed, Unavailable))


def test_the_title_of_the_article_may_come_from_wikidata() -> None:
    async def article(name: str) -> str | None:
        return "M. J. Thorne" if name == AUTHOR else None

    body = {"type": "standard", "title": "M. J. Thorne", "extract": "M. J. Thorne was a Canadian poet."}
    http = transport({f"{PAGE}M._J._Thorne": body})
    found = run(Wikipedia(http, article).biography(AUTHOR))
    assert isinstance(found, AuthorBiography)
    assert found.name == "M. J. Thorne"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"description": "American writer and film director", "extract": "X."}, True),
        ({"description": "British author and book illustrator", "extract": "X."}, True),
        ({"description": "2019 film by the writer of X", "extract": "A film written by its author."}, False),
        ({"description": None, "extract": "Mara Ellison is a 1974 novel by an American author."}, False),
        (
            {
                "description": "Canadian politician",
                "extract": "Mara Ellison is a politician and the author of a memoir.",
            },
            True,
        ),
        ({"description": "Canadian swimmer", "extract": "Mara Ellison is a swimmer."}, False),
        ({"title": "Jane Roe", "extract": "Jane Roe, pen name Mara Ellison, was a novelist."}, True),
        ({"title": "Jane Roe", "extract": "Jane Roe was a novelist."}, False),
        ({"title": "Ellison", "extract": "Ellison is an English novelist."}, False),
        ({"type": "no-extract", "extract": "Canadian novelist"}, False),
        ({"extract": None, "description": "Canadian novelist"}, False),
    ],
)
def test_whether_an_article_is_about_the_writer(fields: dict[str, Any], expected: bool) -> None:
    assert is_about(summary(**fields), AUTHOR) is expected


def test_search_words_have_no_search_syntax() -> None:
    assert search_words("Ursula K. Le Guin") == "Ursula K. Le Guin writer"
    assert search_words('-Ann "X" intitle:O\'Hara ~b') == "Ann X intitle O'Hara b writer"


def test_names() -> None:
    assert given_name_first("Le Guin, Ursula K.") == "Ursula K. Le Guin"
    assert given_name_first("Kurt Vonnegut, Jr.") == "Kurt Vonnegut, Jr."
    assert given_name_first("  Toni   Morrison ") == "Toni Morrison"
    assert names_agree("J. R. R. Tolkien", "John Ronald Reuel Tolkien")
    assert names_agree("Voltaire", "Voltaire")
    assert not names_agree("King", "Stephen King")


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("American author (1947–2020)", (PartialDate(1947), PartialDate(2020))),
        ("American author (born 1947)", (PartialDate(1947), None)),
        ("English poet (c. 1343 – 1400)", (None, None)),
        ("Author active (2020–1947)", (None, None)),
        ("First Lady (2009–2017)", (None, None)),
        ("American author", (None, None)),
        (None, (None, None)),
    ],
)
def test_life_years(description: str | None, expected: object) -> None:
    assert life_years(description) == expected


@given(st.text(min_size=1))
def test_a_title_is_one_path_segment(title: str) -> None:
    path = summary_path(title)
    assert path.startswith(PAGE)
    assert path.isascii()
    assert not set("/?#& ") & set(path.removeprefix(PAGE))
    assert unquote(path.removeprefix(PAGE)) == title.strip().replace(" ", "_").encode(errors="replace").decode()


def test_error_table() -> None:
    assert SPEC.explain(200, stored("summary")) is None
    assert SPEC.explain(404, stored("not_found")) is None
    assert SPEC.explain(200, stored("error")) == Failed("Wikipedia reports an error: srsearch-error")
    assert SPEC.explain(200, stored("errors")) == Failed("Wikipedia reports an error: unknown_action")
    assert SPEC.explain(429, None) == Failed("Wikipedia returned HTTP 429", transient=True)
    assert SPEC.explain(400, None) == Failed("Wikipedia returned HTTP 400", transient=False)
    assert isinstance(SPEC.explain(403, None), Unavailable)


def test_the_client_implements_its_capabilities() -> None:
    client = Wikipedia(transport({}))
    assert isinstance(client, base.BiographySource)
    assert client.unavailable() == Unavailable("off")
    assert client.revision() == "1"


FIELDS = ("type", "title", "titles", "description", "extract", "wikibase_item", "thumbnail", "originalimage", "query")


@given(JSON | st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8), st.text())
def test_the_client_never_raises(body: Any, author: str) -> None:
    found = parse_summary(response(body))
    assert not isinstance(found, NotFound)
    if isinstance(found, Summary):
        is_about(found, author)
        biography(found)
    assert parse_search(response(body)) != ()
    SPEC.explain(200, body)
