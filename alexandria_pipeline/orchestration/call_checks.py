"""The key figures of calls as asset checks: the budget of the paid service, and our count against the service's own.

They speak for a day, not for a month. Limits are `domain.keyfigures`, counting is `stages.accounting` and `storage`.
"""

from typing import Any

import dagster as dg

from alexandria_pipeline.composition import Pipeline
from alexandria_pipeline.domain import key_figures as keyfigures
from alexandria_pipeline.operations.accounting import compare_counts
from alexandria_pipeline.orchestration.assets.isbns import resolved_isbns
from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage.quota import QuotaManager

SEVERITIES = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}


@dg.asset_check(asset=resolved_isbns, description="At most 1,000 calls of ISBNdb today, and half of its safe limit.")
def isbndb_budget(pipeline: dg.ResourceParam[Pipeline], quota: dg.ResourceParam[QuotaManager]) -> dg.AssetCheckResult:
    status = quota.status(keyfigures.BUDGETED_SERVICE)
    with pipeline.database.transaction() as tx:
        attempts = max(status.used, figures.calls_today(tx, status.service).attempts)
    broken = keyfigures.budget_broken(attempts, status.safety_limit)
    shown: dict[str, Any] = {"attempts": attempts, "budget": keyfigures.ATTEMPTS_A_DAY}
    if status.safety_limit:
        share = round(100 * attempts / status.safety_limit, 2)
        shown |= {"safe_limit": status.safety_limit, "percent_of_safe_limit": share}
    return dg.AssetCheckResult(
        passed=broken is None,
        severity=SEVERITIES[broken or "warn"],
        metadata={"figure": attempts, **shown},
    )


@dg.asset_check(asset=resolved_isbns, description="Our count of today's calls is within 1 % of the service's own.")
def call_accounting(pipeline: dg.ResourceParam[Pipeline], quota: dg.ResourceParam[QuotaManager]) -> dg.AssetCheckResult:
    accounts = [compare_counts(pipeline.database, quota, counter) for counter in pipeline.registry.counters()]
    compared = [account for account in accounts if account.drift is not None]
    metadata: dict[str, Any] = {}
    for account in sorted(compared, key=lambda account: abs(account.drift or 0)):  # the figure is that of the worst
        metadata = {
            "figure": account.drift,
            "service": account.service,
            "counted": account.counted,
            "told": account.reported,
        }
    return dg.AssetCheckResult(
        passed=all(keyfigures.accounting_holds(account.drift or 0) for account in compared),
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
        description="\n".join(account.note for account in accounts if account.note) or None,
    )
