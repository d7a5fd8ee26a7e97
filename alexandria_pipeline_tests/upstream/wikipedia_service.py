"""Stand-in of Wikipedia: summaries of articles about authors, and the search of the action API.

The articles are invented. Which authors have one, and under which title, is random.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from alexandria_pipeline_tests.upstream.listener import Request, Response, json_response
from alexandria_pipeline_tests.upstream.randomness import seeded_random
from alexandria_pipeline_tests.upstream.words import tokens

if TYPE_CHECKING:
    from alexandria_pipeline_tests.upstream.catalogue import Catalogue

ARTICLE_SHARE: Final = 0.7
AMBIGUOUS_SHARE: Final = 0.06
_SUMMARY: Final = "/api/rest_v1/page/summary/"


class WikipediaService:
    """Has an article for most authors. For a few of them, the plain name is a disambiguation page."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._articles: dict[str, str | None] = {}
        for name in catalogue.authors:
            rng = seeded_random("wikipedia", name).random()
            if rng < AMBIGUOUS_SHARE:
                self._articles |= {name: None, f"{name} (author)": name}
            elif rng < ARTICLE_SHARE:
                self._articles[name] = name

    def respond(self, request: Request, path: str) -> Response:
        if path.startswith(_SUMMARY):
            return self._summary(path.removeprefix(_SUMMARY).replace("_", " "))
        if path == "/w/api.php":
            return self._action(request)
        return json_response({"error": "not found"}, 404)

    def limit_error(self, _limit: str) -> Response:
        return Response(429, b"Too many requests. Please contact noc@wikimedia.org", "text/plain", {"Retry-After": "1"})

    def _summary(self, title: str) -> Response:
        if title not in self._articles:
            kind = "https://mediawiki.org/wiki/HyperSwitch/errors/not_found"
            return json_response(
                {"type": kind, "title": "Not found.", "method": "get", "detail": "Page or revision not found."}, 404
            )
        name = self._articles[title]
        canonical = title.replace(" ", "_")
        members: dict[str, Any] = {
            "type": "standard" if name else "disambiguation",
            "title": title,
            "displaytitle": title,
            "namespace": {"id": 0, "text": ""},
            "titles": {"canonical": canonical, "normalized": title, "display": title},
            "pageid": 1000 + len(canonical),
            "lang": "en",
            "dir": "ltr",
            "content_urls": {"desktop": {"page": f"https://en.wikipedia.org/wiki/{quote(canonical)}"}},
            "description": "Topics referred to by the same term",
            "extract": f"{title} may refer to:",
        }
        if name:
            number = self._catalogue.authors[name]
            title_of_work = next(work.title for work in self._catalogue.works if name in work.authors)
            members |= {"description": "American novelist (born 1950)", "wikibase_item": f"Q{3_000_000 + number}"}
            members["extract"] = (
                f"{name} (born 1950) is an American writer, the author of {title_of_work}. This text is invented for tests."
            )
            members["thumbnail"] = {
                "source": f"https://upload.wikimedia.org/stand-in/{number}.jpg",
                "width": 200,
                "height": 300,
            }
        return json_response(members)

    def _page(self, title: str) -> dict[str, Any]:
        """An article in the response about several."""
        answer = self._summary(title)
        if answer.status != 200:
            return {"ns": 0, "title": title, "missing": True}
        summary = json.loads(answer.body)
        item = {"wikibase_item": summary["wikibase_item"]} if "wikibase_item" in summary else {"disambiguation": ""}
        picture = {"original": summary["thumbnail"]} if "thumbnail" in summary else {}
        return {
            "ns": 0,
            "title": title,
            "extract": summary["extract"],
            "description": summary["description"],
            "pageprops": item,
            **picture,
        }

    def _action(self, request: Request) -> Response:
        """The search of the action API. Errors have HTTP 200."""
        if request.value("action") == "query" and request.value("titles"):
            return json_response(
                {"batchcomplete": True, "query": {"pages": list(map(self._page, request.value("titles").split("|")))}}
            )
        if request.value("action") != "query" or request.value("list") != "search":
            return json_response(
                {
                    "error": {
                        "code": "badvalue",
                        "info": f'Unrecognized value for parameter "action": {request.value("action")}.',
                    },
                    "servedby": "mw1",
                }
            )
        words = [word for word in tokens(request.value("srsearch")) if word not in {"writer", "author", "novelist"}]
        titles = [title for title in self._articles if words and set(words) <= set(tokens(title))]
        hits = [
            {"ns": 0, "title": title, "pageid": place, "snippet": "", "size": 9}
            for place, title in enumerate(titles, start=1)
        ]
        return json_response(
            {
                "batchcomplete": True,
                "query": {"searchinfo": {"totalhits": len(hits)}, "search": hits[: request.number("srlimit", 10)]},
            }
        )
