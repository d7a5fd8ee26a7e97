"""What the error tables of several services share. Each service's own errors are in the `errors.py` of its package."""

from __future__ import annotations

from alexandria_pipeline.domain.service_answers import Failed
from alexandria_pipeline.providers.transport.response_policy import is_retryable


def unexpected_status(title: str, status: int) -> Failed:
    """A response with an error status, or with an error in a body that has status 200. `title` is the service's."""
    return Failed(f"{title} returned HTTP {status}", transient=is_retryable(status) or status == 200)


def unexpected_shape(title: str) -> Failed:
    """A response that the parser cannot read. It is transient, so it is neither cached nor taken as a definite no."""
    return Failed(f"{title} returned a response of an unexpected shape")
