"""Stand-in of Gemini and xAI: returns the list of the month that the prompt names, as JSON text, with token usage."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline_tests.upstream.listener import Request, Response, json_response
from alexandria_pipeline_tests.upstream.lists import LIST_LENGTH, Lists
from alexandria_pipeline_tests.upstream.model import Service
from alexandria_pipeline_tests.upstream.randomness import seeded_random

if TYPE_CHECKING:
    from collections.abc import Iterable

_MONTHS: Final = "January February March April May June July August September October November December".split()
_MONTH_IN_WORDS: Final = re.compile(rf"\b({'|'.join(_MONTHS)})\s+((?:19|20)\d\d)\b")
_MONTH_IN_DIGITS: Final = re.compile(r"\b((?:19|20)\d\d)-(0[1-9]|1[0-2])\b")
_LIMIT: Final = re.compile(r"\b(?:up to|at most|exactly|list|name)\s+(\d{1,2})\s+(?:\w+\s+)?books?\b", re.IGNORECASE)


def month_of(prompt: str) -> str | None:
    """The month that a prompt names; words ("June 2020") come before digits ("2020-06")."""
    if match := _MONTH_IN_WORDS.search(prompt):
        return f"{match[2]}-{_MONTHS.index(match[1]) + 1:02d}"
    match = _MONTH_IN_DIGITS.search(prompt)
    return match[0] if match else None


def limit_of(prompt: str) -> int:
    match = _LIMIT.search(prompt)
    return int(match[1]) if match else LIST_LENGTH


def book_list(lists: Lists, generator: Service, prompt: str) -> str:
    """The text that the model writes. A prompt without a month of the catalogue gets an empty list."""
    month = month_of(prompt)
    books = [
        {
            "title": each.title,
            "author": each.author,
            "publisher": each.publisher,
            "genre": each.genre,
            "significance": "Noted in its month.",
        }
        for each in (lists.listing(month, generator, limit_of(prompt)) if month else ())
    ]
    return json.dumps({"books": books}, ensure_ascii=False)


def _texts(value: Any) -> Iterable[str]:
    """All texts in a JSON value, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _tokens(text: str) -> int:
    return max(1, len(text) // 4)


class GeminiService:
    """`generateContent`. The month is searched in the user message first, then in the system instruction."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    def respond(self, request: Request, path: str) -> Response:
        key = request.headers.get("x-goog-api-key") or request.value("key")
        match = re.fullmatch(r"/models/([^/:]+):generateContent", path)
        if not key:
            return _google_error(403, "Method doesn't allow unregistered callers.", "PERMISSION_DENIED")
        if key.startswith("wrong"):
            return _google_error(
                400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", "API_KEY_INVALID"
            )
        if not match or not match[1].startswith("gemini-"):
            message = f"models/{match[1] if match else '?'} is not found for API version v1beta, or is not supported for generateContent."
            return _google_error(404, message, "NOT_FOUND")
        body = request.json()
        prompt = "\n".join(
            [*_texts(body.get("contents")), *_texts(body.get("systemInstruction", body.get("system_instruction")))]
        )
        text = book_list(self._lists, Service.GEMINI, prompt)
        used = {"promptTokenCount": _tokens(prompt), "candidatesTokenCount": _tokens(text), "thoughtsTokenCount": 180}
        parts: list[dict[str, Any]] = [{"text": text, "thoughtSignature": "c3RhbmQtaW4="}]
        return json_response(
            {
                "candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0}],
                "usageMetadata": {**used, "totalTokenCount": sum(used.values())},
                "modelVersion": match[1],
                "responseId": f"stand-in-{_tokens(prompt)}",
            }
        )

    def limit_error(self, _limit: str) -> Response:
        violation = {"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}
        details = [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.4s"},
        ]
        return json_response(
            {
                "error": {
                    "code": 429,
                    "message": "You exceeded your current quota.",
                    "status": "RESOURCE_EXHAUSTED",
                    "details": details,
                }
            },
            429,
        )


def _google_error(code: int, message: str, status: str, reason: str = "") -> Response:
    details = (
        [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}]
        if reason
        else []
    )
    return json_response({"error": {"code": code, "message": message, "status": status, "details": details}}, code)


class XaiService:
    """`chat/completions`. Error bodies have `error` as a string, and a bad key causes HTTP 400."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    def respond(self, request: Request, path: str) -> Response:
        key = request.headers.get("authorization", "").removeprefix("Bearer").strip()
        if not key or key.startswith("wrong"):
            return json_response(
                {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: wr***ng."}, 400
            )
        if request.method != "POST" or path != "/chat/completions":
            return json_response({"code": "Not Found", "error": "Not Found"}, 404)
        body = request.json()
        model = str(body.get("model", ""))
        if not model.startswith("grok"):
            return json_response(
                {
                    "code": "Some requested entity was not found",
                    "error": f"The model {model} does not exist or your team lacks access.",
                },
                404,
            )
        messages = sorted(body.get("messages", []), key=lambda message: message.get("role") != "user")
        prompt = "\n".join(_texts([message.get("content") for message in messages]))
        return json_response(self._completion(model, prompt, book_list(self._lists, Service.XAI, prompt)))

    def _completion(self, model: str, prompt: str, text: str) -> dict[str, Any]:
        sent, written, reasoned = _tokens(prompt), _tokens(text), 120
        message = {"role": "assistant", "content": text, "refusal": None}
        used = {
            "prompt_tokens": sent,
            "completion_tokens": written,
            "total_tokens": sent + written + reasoned,
            "num_sources_used": 0,
        }
        used_details = {
            "completion_tokens_details": {"reasoning_tokens": reasoned},
            "prompt_tokens_details": {"text_tokens": sent, "cached_tokens": 0},
        }
        reply_id = f"{seeded_random('xai', prompt).getrandbits(64):016x}"
        return {
            "id": reply_id,
            "object": "chat.completion",
            "created": 1_770_772_090,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {**used, **used_details},
            "system_fingerprint": "fp_standin",
        }

    def limit_error(self, _limit: str) -> Response:
        return json_response(
            {"code": "Some resource has been exhausted", "error": "Too many requests for team: rate limit reached."},
            429,
        )
