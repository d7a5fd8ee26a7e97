"""Wikipedia: the right person's article or none, whatever shape the answer has."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.metadata import AuthorBiography
from alexandria_pipeline.domain.records import PartialDate
from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound, Unavailable
from alexandria_pipeline.providers import base
from alexandria_pipeline.providers.transport.types import JsonResponse, Params, Parse
from alexandria_pipeline.providers.wikipedia.client import SPEC, Wikipedia, search_words, spoken_name, summary_path
from alexandria_pipeline.providers.wikipedia.models import Summary
from alexandria_pipeline.providers.wikipedia.parser import (
    biography,
    is_about,
    life_years,
    names_agree,
    parse_search,
    parse_summary,
)
from alexandria_pipeline_tests.providers.service import T, parsed, reply

if TYPE_CHECKING:
    from collections.abc import Mapping

PAYLOADS = Path(__file__).parents[1] / "payloads" / "wikipedia"
AUTHOR = "Mara Ellison"
PAGE = "/api/rest_v1/page/summary/"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


class Recorded:
    """The transport in memory: answers by path, 404 elsewhere, and keeps what it was asked."""

    name = "wikipedia"

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def unavailable(self) -> Unavailable | None:
        return Unavailable("off")

    async def get(self, path: str, parse: Parse[T], params: Params | None = None) -> Answer[T]:
        self.asked.append((path, dict(params or {})))
        status = 200 if path in self.answers else 404
        answer = self.answers.get(path, payload("not_found"))
        if isinstance(answer, (Unavailable, Failed)):
            return answer
        return parsed(SPEC.explain(status, answer) or JsonResponse(status, answer, json.dumps(answer)), parse)

    async def post(self, path: str, body: Mapping[str, Any], parse: Parse[T]) -> Answer[T]:
        raise AssertionError(path, body, parse)


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def ask(answers: Mapping[str, Any], author: str = AUTHOR) -> tuple[Any, list[str]]:
    http = Recorded(answers)
    return asyncio.run(Wikipedia(http).biography(author)), [path for path, _ in http.asked]


def summary(**fields: Any) -> Summary:
    return Summary.model_validate({"type": "standard", "title": AUTHOR} | fields)


def test_an_article_under_the_name_is_one_request() -> None:
    found, asked = ask({f"{PAGE}Mara_Ellison": payload("summary")}, "Ellison, Mara")
    assert asked == [f"{PAGE}Mara_Ellison"]
    assert found == AuthorBiography(
        provider="wikipedia",
        name=AUTHOR,
        biography="Mara Jane Ellison was a Canadian novelist, best known for The Glass Harbour.",
        born=PartialDate(1947),
        died=PartialDate(2020),
        portrait_url="https://upload.wikimedia.org/x/Mara.jpg",
        identifiers=(("wikipedia", "Mara_Ellison"), ("wikidata", "Q1")),
    )


def test_older_summaries_lack_type_and_item() -> None:
    found, _ = ask({f"{PAGE}Mara_Ellison": payload("summary_old")})
    assert (found.name, found.born, found.identifiers) == (AUTHOR, None, (("wikipedia", "Mara_Ellison"),))


@pytest.mark.parametrize("first", ["disambiguation", "disambiguation_old", "summary_politician", None])
def test_another_page_leads_to_one_search_and_its_best_namesake(first: str | None) -> None:
    answers = {"/w/api.php": payload("search"), f"{PAGE}Mara_Ellison_%28author%29": payload("summary_author")}
    found, asked = ask(answers | ({f"{PAGE}Mara_Ellison": payload(first)} if first else {}))
    assert asked == [f"{PAGE}Mara_Ellison", "/w/api.php", f"{PAGE}Mara_Ellison_%28author%29"]
    assert (found.name, found.born) == (AUTHOR, PartialDate(1947))


def test_nobody_of_that_name_is_a_no() -> None:
    assert ask({"/w/api.php": payload("search_empty")})[0] == NotFound()
    assert ask({"/w/api.php": payload("search")}, "Olga Tokarczuk")[0] == NotFound()
    assert ask({"/w/api.php": payload("search")}, "Unknown") == (NotFound(), [])
    politician = {"/w/api.php": payload("search"), f"{PAGE}Mara_Ellison_%28author%29": payload("summary_politician")}
    assert ask(politician)[0] == NotFound()


def test_failures_are_never_a_no() -> None:
    errors: list[Any] = [
        None,
        [],
        "text",
        3,
        {},
        payload("error"),
        payload("errors"),
        Failed("cut"),
        Unavailable("off"),
    ]
    for body in [*errors, {"title": ["Mara"]}]:
        assert isinstance(ask({f"{PAGE}Mara_Ellison": body})[0], (Failed, Unavailable))
    for body in [*errors, {"query": None}, {"query": {"search": {}}}, {"query": {"search": [1]}}]:
        assert isinstance(ask({"/w/api.php": body})[0], (Failed, Unavailable))


def test_the_article_may_be_known_from_wikidata() -> None:
    async def article(name: str) -> str | None:
        return "M. J. Thorne" if name == AUTHOR else None

    body = {"type": "standard", "title": "M. J. Thorne", "extract": "M. J. Thorne was a Canadian poet."}
    http = Recorded({f"{PAGE}M._J._Thorne": body})
    found = asyncio.run(Wikipedia(http, article).biography(AUTHOR))
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


def test_a_name_is_searched_for_without_search_syntax() -> None:
    assert search_words("Ursula K. Le Guin") == "Ursula K. Le Guin writer"
    assert search_words('-Ann "X" intitle:O\'Hara ~b') == "Ann X intitle O'Hara b writer"


def test_names() -> None:
    assert spoken_name("Le Guin, Ursula K.") == "Ursula K. Le Guin"
    assert spoken_name("Kurt Vonnegut, Jr.") == "Kurt Vonnegut, Jr."
    assert spoken_name("  Toni   Morrison ") == "Toni Morrison"
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
def test_years_of_life_only_where_plainly_told(description: str | None, expected: object) -> None:
    assert life_years(description) == expected


@given(st.text(min_size=1))
def test_any_title_is_one_step_of_the_path(title: str) -> None:
    path = summary_path(title)
    assert path.startswith(PAGE)
    assert path.isascii()
    assert not set("/?#& ") & set(path.removeprefix(PAGE))
    assert unquote(path.removeprefix(PAGE)) == title.strip().replace(" ", "_").encode(errors="replace").decode()


def test_the_error_table() -> None:
    assert SPEC.explain(200, payload("summary")) is None
    assert SPEC.explain(404, payload("not_found")) is None
    assert SPEC.explain(200, payload("error")) == Failed("Wikipedia reports an error: srsearch-error")
    assert SPEC.explain(200, payload("errors")) == Failed("Wikipedia reports an error: unknown_action")
    assert SPEC.explain(429, None) == Failed("Wikipedia answered HTTP 429", transient=True)
    assert SPEC.explain(400, None) == Failed("Wikipedia answered HTTP 400", transient=False)
    assert isinstance(SPEC.explain(403, None), Unavailable)


def test_it_is_what_the_registry_expects() -> None:
    client = Wikipedia(Recorded({}))
    assert isinstance(client, base.BiographySource)
    assert client.unavailable() == Unavailable("off")
    assert client.revision() == "1"


FIELDS = ("type", "title", "titles", "description", "extract", "wikibase_item", "thumbnail", "originalimage", "query")


@given(JSON | st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8), st.text())
def test_no_answer_makes_it_raise_or_say_no_without_reason(body: Any, author: str) -> None:
    found = parse_summary(JsonResponse(200, body, ""))
    assert not isinstance(found, NotFound)
    if isinstance(found, Summary):
        is_about(found, author)
        biography(found)
    assert parse_search(reply(body)) != ()
    SPEC.explain(200, body)
