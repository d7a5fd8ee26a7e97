"""Licences of what the image installs, and secrets in the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from alexandria_pipeline_tests.test_docs import tool

ROOT = Path(__file__).parent.parent

# Shapes of keys (https://github.com/gitleaks/gitleaks has the same ones): Google, xAI, OpenAI, AWS, GitHub, Slack, private keys.
SECRET = re.compile(
    r"AIza[0-9A-Za-z_-]{35}|xai-[0-9A-Za-z]{60,}|sk-[0-9A-Za-z]{40,}|AKIA[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{36}"
    r"|xox[baprs]-[0-9A-Za-z-]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY-----|\b\d{5}_[0-9a-f]{32}\b"
)
PLANTED = "AIza" + "x" * 35


def test_every_licence_is_accepted_and_the_page_is_up_to_date() -> None:
    licences = tool("licences")
    found = list(licences.licences())
    assert len(found) > 80
    assert [(name, licence) for name, licence in found if not licences.ACCEPTED.search(licence)] == []
    assert licences.PAGE.read_text("utf-8") == licences.page(found), "run: make licences"


def test_no_file_of_the_repository_has_a_secret() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name] or list(
        (ROOT / "alexandria_pipeline").rglob("*.py")
    )
    assert len(files) > 100
    found = [
        f"{file.relative_to(ROOT)}: {match[0][:8]}…"
        for file in files
        if file.is_file()
        for match in SECRET.finditer(file.read_text("utf-8", errors="ignore"))
    ]
    assert found == []
    assert SECRET.search(f"GOOGLE_BOOKS_API_KEY={PLANTED}")
