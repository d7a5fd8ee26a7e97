"""AI replies: what the clients of all AI services do with the response to a generation request.

A service's own request and response formats belong in its package. `domain.generation.reply_parser` reads the book list.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.json_text import load
from alexandria_pipeline.domain.records import RawReply
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.domain.tsv import excerpt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from alexandria_pipeline.domain.service_answers import Answer
    from alexandria_pipeline.providers.transport.types import Json, JsonResponse, TokenUsage

log = logging.getLogger(__name__)


def successful(answer: Answer[JsonResponse], title: str) -> JsonResponse:
    """The response with a reply to store. Raises SourceError if there is none; `title` is the service's."""
    if isinstance(answer, NotFound):
        raise SourceError(f"{title} returned no reply")
    if isinstance(answer, Unavailable | Failed):
        raise SourceError(answer.reason)
    return answer


# What a reply of Gemini or xAI has that was paid for.
_PAID_FOR: Final = ("candidates", "choices", "usage", "usageMetadata")


def paid_reply(response: JsonResponse) -> JsonResponse | Failed:
    """Accepts every reply that was paid for, usable or not: the cache holds it until it is stored with its month.

    An error in a body with neither reply nor usage was not paid for, and is not kept.
    """
    if response.status == 200:
        if error := _error_alone(response.data):
            return Failed(f"the service returned an error instead of a reply ({excerpt(error)})")
        return response
    return Failed(f"the service returned HTTP {response.status} instead of a reply", transient=False)


def _error_alone(data: Json) -> str:
    """The error of a body that has neither a reply nor the tokens of one; "" if there is none."""
    if not isinstance(data, dict) or not data.get("error") or any(data.get(name) for name in _PAID_FOR):
        return ""
    error = data["error"]
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) and message else "without a message"


async def first_answer(
    models: Sequence[str], request: Callable[[str], Awaitable[Answer[JsonResponse]]], title: str
) -> tuple[str, JsonResponse]:
    """The first model that answers, and its response. The next model is asked if one is overloaded, ended or not included.

    A rejected key, used-up credits and a refused prompt concern all models: then no other model is asked. Raises SourceError
    if no model answers.
    """
    reasons: list[str] = []
    for model in models:
        answer = await request(model)
        if not (isinstance(answer, Failed) and (answer.transient or answer.concerns_model)):
            return model, successful(answer, title)
        reasons.append(answer.reason if len(models) == 1 else f"{model}: {answer.reason}")
        log.warning("%s does not answer: %s", excerpt(model), answer.reason)
    raise SourceError("; ".join(reasons))


def raw_reply(provider: str, configured: str, actual: str, response: JsonResponse, usage: TokenUsage) -> RawReply:
    """The reply to store. `actual` is the model that replied; it is recorded as the source if it is not the configured one.

    Services send requests for a retired model to its successor; the response is the only place that shows it.
    """
    if usage.cost_usd is None:
        log.warning("no price is known for %s: the cost of its reply is unknown", excerpt(actual))
    spent = (usage.input_tokens, usage.output_tokens, usage.cost_usd)
    reply = RawReply(provider, configured, response.text, *spent, receipt=response.receipt)
    return reply if actual == configured.removeprefix("models/") else replace(reply, source=actual)


def stored_envelope(body: str, title: str) -> Json:
    """The JSON of a stored reply. Raises SourceError if the body is not JSON; `title` is the service's."""
    try:
        return load(body.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"the stored reply of {title} is not JSON") from error
