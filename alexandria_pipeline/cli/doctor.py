"""`alexandria doctor`: prints what a run depends on, each fault with what to do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from alexandria_pipeline import composition
from alexandria_pipeline.cli.output import AsJson, print_json, say
from alexandria_pipeline.domain.errors import SettingsError
from alexandria_pipeline.operations.doctor import Finding
from alexandria_pipeline.settings import load_settings

_SIGNS = {"ok": "✓", "warn": "!", "fail": "✗"}


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Send nothing to services.")] = False,
    as_json: AsJson = False,
) -> None:
    """Checks settings, keys, services, database, clocks, models, quotas, disk and ports. Exit status 1 on a fault."""
    try:
        findings = list(composition.diagnose(load_settings(), offline=offline))
    except SettingsError as error:
        findings = [Finding("settings", "fail", str(error), "correct these variables; see docs/settings.md")]
    failed = [finding for finding in findings if finding.state == "fail"]
    if as_json:
        print_json({"ok": not failed, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            say(f"{_SIGNS[finding.state]} {finding.check}: {finding.detail}")
            if finding.action:
                say(f"    → {finding.action}")
        warned = sum(finding.state == "warn" for finding in findings)
        say(f"{len(findings)} checks: {len(failed)} failed, {warned} warnings")
    if failed:
        raise typer.Exit(1)
