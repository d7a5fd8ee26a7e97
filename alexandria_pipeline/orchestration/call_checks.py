"""Asset checks of calls per day: the budget of the paid service, and our count compared with the count of the service.

The limits are in `domain/key_figures.py`; counting is in `operations/accounting.py` and `storage`.
"""

from typing import Any

import dagster as dg

from alexandria_pipeline.composition import Pipeline
from alexandria_pipeline.domain import key_figures
from alexandria_pipeline.operations.accounting import compare_counts
from alexandria_pipeline.orchestration.assets.isbns import resolved_isbns
from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage.quota import QuotaManager

SEVERITIES = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}


@dg.asset_check(asset=resolved_isbns, description="At most 1,000 calls of ISBNdb today, and half of its safe limit.")
def isbndb_budget(pipeline: dg.ResourceParam[Pipeline], quota: dg.ResourceParam[QuotaManager]) -> dg.AssetCheckResult:
    status = quota.status(key_figures.BUDGETED_SERVICE)
    with pipeline.database.transaction() as tx:
        attempts = max(status.used, figures.calls_today(tx, status.service).attempts)
    broken = key_figures.budget_broken(attempts, status.safety_limit)
    shown: dict[str, Any] = {"attempts": attempts, "budget": key_figures.ATTEMPTS_A_DAY}
    if status.safety_limit:
        share = round(100 * attempts / status.safety_limit, 2)
        shown |= {"safe_limit": status.safety_limit, "percent_of_safe_limit": share}
    return dg.AssetCheckResult(
        passed=broken is None,
        severity=SEVERITIES[broken or "warn"],
        metadata={"figure": attempts, **shown},
    )


@dg.asset_check(
    asset=resolved_isbns, description="Our count of today's calls differs from the count of the service by at most 1 %."
)
def call_accounting(pipeline: dg.ResourceParam[Pipeline], quota: dg.ResourceParam[QuotaManager]) -> dg.AssetCheckResult:
    accounts = [compare_counts(pipeline.database, quota, counter) for counter in pipeline.registry.counters()]
    compared = [account for account in accounts if account.drift is not None]
    metadata: dict[str, Any] = {}
    for account in sorted(
        compared, key=lambda account: abs(account.drift or 0)
    ):  # the last one, the largest drift, is shown
        metadata = {
            "figure": account.drift,
            "service": account.service,
            "counted": account.counted,
            "told": account.reported,
        }
    return dg.AssetCheckResult(
        passed=all(key_figures.accounting_holds(account.drift or 0) for account in compared),
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
        description="\n".join(account.note for account in accounts if account.note) or None,
    )
