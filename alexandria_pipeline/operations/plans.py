"""The plan of a key: requested from the service once a day, stored, and returned for the settings of this process."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.quota import ServicePlan
from alexandria_pipeline.operations.accounting import RECONCILE_PURPOSE
from alexandria_pipeline.providers.transport.types import call_context
from alexandria_pipeline.storage import plans

if TYPE_CHECKING:
    from alexandria_pipeline.providers.base import PlanSource
    from alexandria_pipeline.storage.database import Database
    from alexandria_pipeline.storage.quota import QuotaManager

log = logging.getLogger(__name__)


def current_plan(database: Database, quota: QuotaManager, source: PlanSource, key: str) -> ServicePlan | None:
    """The plan of the key; an older one if the service does not answer, None if there is none. Raises StorageError.

    If no calls are left, the service is closed until its quota day ends.
    """
    name = source.declaration.name
    stored = plans.find(database, name, key)
    if stored is not None and stored[1]:
        return stored[0]
    with call_context(stage="plan", purpose=RECONCILE_PURPOSE):
        answer = asyncio.run(source.plan())
    if not isinstance(answer, ServicePlan):
        return stored[0] if stored else None
    plans.store(database, answer, key)
    if answer.left == 0:
        quota.exhaust(name, f"the {answer.name or 'unnamed'} plan has no calls left today")
    log.info(
        "%s: plan %s, host %s, %g requests a second, %s calls a day",
        name,
        answer.name or "without a name",
        answer.host or "as set",
        answer.requests_per_second,
        f"{answer.daily_limit:,}",
    )
    return answer
