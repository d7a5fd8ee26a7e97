"""The documents: links lead somewhere, citations in the code name real sections, tables agree with the code."""

from __future__ import annotations

import re
import sys
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest

from alexandria_pipeline.cli import dictionary_page, matching_page, settings_page
from alexandria_pipeline.providers import registry
from alexandria_pipeline.providers.base import Capability
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.world import rows

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
CODE = sorted(file for suffix in ("py", "sql") for file in (ROOT / "alexandria_pipeline").rglob(f"*.{suffix}"))

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CITATION = re.compile(r'(?<![\w/])(docs/[\w/-]+\.md)(?:, "([^"]+)")?')


def tool(name: str, folder: str = "tools") -> ModuleType:
    """A module of tools/ or benchmarks/, which are no packages."""
    spec = util.spec_from_file_location(name, ROOT / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def headings(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return HEADING.findall(text)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mkdocs make them."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in headings(page)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_within_the_repository_leads_to_a_file_and_a_section(page: Path) -> None:
    wrong = []
    for target in LINK.findall(page.read_text("utf-8")):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            wrong.append(target)
    assert wrong == []


def test_every_citation_of_a_document_in_the_code_names_a_page_and_a_section() -> None:
    cited = [
        (file.relative_to(ROOT).as_posix(), name, section)
        for file in CODE
        for name, section in CITATION.findall(file.read_text("utf-8"))
    ]
    assert len(cited) > 20
    wrong = [
        (file, name, section)
        for file, name, section in cited
        if not (ROOT / name).exists() or (section and section not in headings(ROOT / name))
    ]
    assert wrong == []


def test_every_service_has_a_page_and_the_index_names_it() -> None:
    index = (DOCS / "services" / "README.md").read_text("utf-8")
    for declaration in registry.DECLARATIONS:
        if declaration.http is not None:
            package = declaration.module.split(".")[-2]
            assert (DOCS / "services" / f"{package}.md").exists()
            assert f"| {declaration.title} | {declaration.kind.value if declaration.kind != 'ai' else 'AI'} |" in index


def test_the_table_of_capabilities_is_that_of_the_declarations() -> None:
    index = (DOCS / "services" / "README.md").read_text("utf-8")
    table = index.partition("## Capabilities")[2].partition("|---|---|")[2]
    shown = dict(re.findall(r"^\| ([a-z-]+) \| ([a-z, -]+) \|$", table, re.MULTILINE))
    assert shown == {each.value: ", ".join(registry.providers_with(each)) for each in Capability}


def test_the_reference_of_settings_is_current() -> None:
    assert settings_page.PAGE.read_text("utf-8") == settings_page.reference(), f"run: {settings_page.COMMAND}"


def test_the_page_about_matching_shows_the_table_and_the_verdicts_of_today() -> None:
    assert matching_page.PAGE.read_text("utf-8") == matching_page.page(), f"run: {matching_page.COMMAND}"


def test_the_picture_of_growth_shows_the_measured_points() -> None:
    curve = tool("catalog_curve", "benchmarks")
    assert curve.PICTURE.read_text("utf-8") == curve.picture(curve.points()), "run: python benchmarks/catalog_curve.py"


GLOSSARY = """
## Words that are not used

| not | but | searched for |
|---|---|---|
| told | reported | `told` |
| look (noun) | check | `(?:a,the) look` |
"""


@pytest.mark.parametrize(
    ("path", "text", "count"),
    [
        ("alexandria_pipeline/a.py", "told_apart = 1\n", 1),
        ("alexandria_pipeline/a.py", "def toldApart() -> None: ...\n", 1),
        ("alexandria_pipeline/a.py", "x = f'the service told {y}'\n", 1),
        ("alexandria_pipeline/a.py", "# a\n# look at it\nx = 1\n", 1),
        ("alexandria_pipeline/a.py", "look_up = stolen = untold = 1\n", 0),
        ("alexandria_pipeline/a.py", "told_at = 1  # a column\n", 0),
        ("alexandria_pipeline_tests/a.py", "title = 'What I Told You'\n", 0),
        ("alexandria_pipeline_tests/a.py", 'def test() -> None:\n    """Is told."""\n    x = "told"\n', 1),
        ("docs/a.md", "The service has told us. Take a\nlook.\n", 2),
        ("docs/glossary.md", GLOSSARY, 0),
    ],
)
def test_a_retired_word_is_found_in_names_comments_docstrings_and_texts(path: str, text: str, count: int) -> None:
    words = tool("check_words")
    assert len(list(words.findings(path, text, words.rules(GLOSSARY)))) == count


def test_a_glossary_without_the_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="no table"):
        tool("check_words").rules("# Glossary")


def test_the_site_lists_every_page() -> None:
    text = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2]
    listed = set(re.findall(r"[\w/-]+\.md", text))
    assert listed == {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}


def test_the_data_dictionary_is_made_from_the_schema(database: Database) -> None:
    shown = dictionary_page.PAGE.read_text(encoding="utf-8")
    assert shown == dictionary_page.dictionary(database), f"run: {dictionary_page.COMMAND}"


def test_the_query_of_the_data_dictionary_works(database: Database) -> None:
    query = dictionary_page.HEAD.partition("```sql")[2].partition("```")[0]
    assert rows(database, query.strip().rstrip(";")) == []
