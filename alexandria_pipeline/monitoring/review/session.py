"""Who is signed in: a signed cookie, and a token in every form.

The key of the signatures comes from the setting with the reviewers. A restart of the server therefore ends no session, and a
changed password or a removed reviewer ends all of them. No table is needed.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import argon2
from itsdangerous import BadSignature, URLSafeTimedSerializer

from alexandria_pipeline.domain.reviewers import parse_reviewers

if TYPE_CHECKING:
    from pydantic import SecretStr
    from starlette.requests import Request
    from starlette.responses import Response

COOKIE: Final = "alexandria_review"
MAX_AGE: Final = 12 * 3600
"""Seconds after which a person signs in again."""

MAX_PASSWORD: Final = 1_000  # characters; the hash takes time for each of them


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in person, and the token that the forms of this session carry."""

    name: str
    token: str


class Sessions:
    """Signs persons in and out. Without reviewers, no person is signed in."""

    def __init__(self, reviewers: SecretStr | None) -> None:
        text = reviewers.get_secret_value() if reviewers else ""
        self._hashes = parse_reviewers(text)
        self._key = sha256(b"sessions of the review\n" + text.encode()).digest()
        self._signer = URLSafeTimedSerializer(self._key)
        self._hasher = argon2.PasswordHasher()
        # A hash for names that do not exist: their answer takes as long as that for a wrong password.
        self._unknown = self._hasher.hash(secrets.token_urlsafe(16)) if self._hashes else ""

    @property
    def open(self) -> bool:
        """Whether there is a reviewer who can sign in."""
        return bool(self._hashes)

    def right(self, name: str, password: str) -> bool:
        """Whether the password is that of the person. Takes about 50 ms and 64 MiB, so it belongs in a thread."""
        known = self._hashes.get(name)
        try:
            self._hasher.verify(known or self._unknown, password[:MAX_PASSWORD])
        except argon2.exceptions.VerificationError:
            return False
        return known is not None

    def of(self, request: Request) -> Session | None:
        """The session of a request; None without a cookie of ours, or with an old one."""
        if not self._hashes:
            return None
        try:
            name, nonce = self._signer.loads(request.cookies.get(COOKIE, ""), max_age=MAX_AGE)
        except (BadSignature, ValueError, TypeError):
            return None
        return Session(name, self._token(nonce)) if name in self._hashes else None

    def begin(self, response: Response, name: str, *, secure: bool) -> None:
        """Sets the cookie of a new session."""
        value = self._signer.dumps([name, secrets.token_urlsafe(16)])
        response.set_cookie(COOKIE, value, MAX_AGE, path="/review", secure=secure, httponly=True, samesite="strict")

    def end(self, response: Response) -> None:
        """Removes the cookie."""
        response.delete_cookie(COOKIE, path="/review", httponly=True, samesite="strict")

    def _token(self, nonce: str) -> str:
        return hmac.new(self._key, f"form {nonce}".encode(), sha256).hexdigest()
