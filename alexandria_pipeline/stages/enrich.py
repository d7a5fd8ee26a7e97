"""Enrich: collects what services state about the editions, works and authors of months, and computes the served tables.

It needs no ownership of months: claims are only added, a request is taken by one run, and computing twice gives the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.listed_isbns import LIST
from alexandria_pipeline.domain.merging.claims import Stated
from alexandria_pipeline.domain.merging.extraction import candidate_facts, catalog_facts
from alexandria_pipeline.domain.merging.identity import AuthorRef, identifiers_of
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.providers.base import Capability, Provider, ProviderKind
from alexandria_pipeline.stages import computing, joining
from alexandria_pipeline.stages.asking import ABOUT_EDITIONS, ABOUT_WORKS, Asked, Asker
from alexandria_pipeline.stages.unchanged import Unchanged
from alexandria_pipeline.storage import claims as store
from alexandria_pipeline.storage import figures, month_enrichment
from alexandria_pipeline.storage.catalog import Catalog
from alexandria_pipeline.storage.database import Connection, Database
from alexandria_pipeline.storage.quota import QuotaManager
from alexandria_pipeline.storage.resolution import edition_of
from alexandria_pipeline.storage.served import Written

CHUNK = 500  # rows that are computed in one transaction
CATALOGUE = "local-catalog"
COVERS_URL = "https://covers.openlibrary.org"

Compute = Callable[[Connection, Sequence[Any], str], Written]


@dataclass(slots=True)
class EnrichmentReport:
    """The result for each month: counts, the coverage of fields, some rows, and the answers that services owe.

    `asked`, `paid_calls`, and the editions that these answered about, are of the whole run.
    """

    counts: dict[Month, Mapping[str, int]] = field(default_factory=dict)
    coverage: dict[Month, Mapping[str, int]] = field(default_factory=dict)
    sample: dict[Month, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    owed: Mapping[Month, Mapping[str, int]] = field(default_factory=dict)
    paid_calls: int = 0
    paid_isbns: int = 0


@dataclass(frozen=True, slots=True)
class Enrich:
    """resolved editions → claims → served editions, works and authors."""

    database: Database
    catalog: Catalog
    quota: QuotaManager
    providers: Callable[[Capability], Sequence[Provider]]

    def __call__(self, months: Sequence[Month], run_id: str) -> None:
        """Enriches the editions, works and authors of months."""
        for step in (self.editions, self.works, self.authors):
            step(months, run_id)

    def editions(self, months: Sequence[Month], run_id: str) -> EnrichmentReport:
        """Asks for the facts of the editions of months, and computes the editions."""
        by_month = self._editions(months)
        isbns = _first_months(by_month)
        self._collect(list(isbns), run_id)
        asker = Asker(self.database, self.quota, run_id, "enriched_editions")
        providers = self.providers(Capability.METADATA_ENRICHMENT)
        asked = asker.editions(providers, isbns)
        asked.outcomes += asker.details(self._offering(ABOUT_EDITIONS), isbns).outcomes
        subjects = {month: list(found) for month, found in by_month.items()}
        report = self._report(months, subjects, computing.compute_editions, run_id, asked, "enriched_editions")
        with self.database.transaction() as tx:
            figures.recount(tx, months)  # ISBNs that waited for their facts, and calls
            paid = [each.declaration.name for each in providers if each.declaration.kind is ProviderKind.PAID]
            report.paid_calls = figures.calls_of_run(tx, run_id, "enriched_editions", paid)
        report.paid_isbns = sum(asked.outcomes[name, outcome] for name in paid for outcome in ("found", "not_found"))
        return report

    def works(self, months: Sequence[Month], run_id: str) -> EnrichmentReport:
        """Asks about the works of these editions, and computes the works."""
        by_month = self._editions(months)
        asker = Asker(self.database, self.quota, run_id, "enriched_works")
        asked = asker.details(self._offering(ABOUT_WORKS), _first_months(by_month))
        subjects = {month: sorted(set(found.values())) for month, found in by_month.items()}
        return self._report(months, subjects, computing.compute_works, run_id, asked, "enriched_works")

    def authors(self, months: Sequence[Month], run_id: str) -> EnrichmentReport:
        """Asks for the biographies of the authors of these works, computes the authors, and joins authors and works that are one."""
        subjects = {month: sorted(set(found.values())) for month, found in self._editions(months).items()}
        asker = Asker(self.database, self.quota, run_id, "enriched_authors")
        providers = self.providers(Capability.AUTHOR_BIOGRAPHY)
        refs, booked = self._refs(subjects) if providers else ({}, {})
        asked = asker.authors(providers, refs, booked)
        return self._report(months, subjects, computing.compute_authors, run_id, asked, "enriched_authors", self._join)

    def _refs(self, subjects: Mapping[Month, Sequence[int]]) -> tuple[dict[str, AuthorRef], dict[str, Month]]:
        """The authors of works, by key, and the month on which the calls about each are booked."""
        refs: dict[str, AuthorRef] = {}
        booked: dict[str, Month] = {}
        unchanged = list(Unchanged(self.database, "enriched_authors", list(subjects)).reports)
        for month in (month for month in subjects if month not in unchanged):
            with self.database.transaction() as tx:
                found = computing.authors_of(tx, subjects[month])
            for author in (author for each in found.values() for author in each):
                refs.setdefault(author.key, author)
                booked.setdefault(author.key, month)
        with self.database.transaction() as tx:
            for key, name, month in month_enrichment.names_of_authors(tx, unchanged):
                refs.setdefault(key, AuthorRef(key, name, identifiers_of(key)))
                booked[key] = min(month, booked.get(key, month))
        return refs, booked

    def _join(self, work_ids: Sequence[int], run_id: str) -> None:
        for start in range(0, len(work_ids), CHUNK):
            with self.database.transaction() as tx:
                joining.join_authors(tx, work_ids[start : start + CHUNK], run_id)
                joining.join_works(tx, work_ids[start : start + CHUNK], run_id)

    def _offering(self, capabilities: Sequence[Capability]) -> dict[Capability, Sequence[Provider]]:
        return {each: self.providers(each) for each in capabilities}

    def _editions(self, months: Sequence[Month]) -> dict[Month, dict[Isbn13, int]]:
        with self.database.transaction() as tx:
            return store.editions_of(tx, months)

    def _collect(self, isbns: Sequence[Isbn13], run_id: str) -> None:
        """Turns into claims what is known without a call: the records of the search, and the local catalogue."""
        for start in range(0, len(isbns), CHUNK):
            chunk = isbns[start : start + CHUNK]
            entries = self.catalog.editions_by_isbn(chunk)
            stated = [
                Stated(CATALOGUE, "edition", "catalogue", isbn, catalog_facts(entry, COVERS_URL))
                for isbn, entry in entries.items()
            ] + [
                Stated(CATALOGUE, "work", "catalogue", isbn, (("first_published", entry.first_year),))
                for isbn, entry in entries.items()
                if entry.first_year
            ]
            with self.database.transaction() as tx:
                store.one_writer(tx)
                store.store(tx, [*stated, *_from_search(store.found_records(tx, chunk))], run_id)
                store.store(tx, _from_search(store.stored_editions(tx, chunk)), run_id)

    def _report(
        self,
        months: Sequence[Month],
        subjects: Mapping[Month, Sequence[Any]],
        compute: Compute,
        run_id: str,
        asked: Asked,
        stage: str,
        join: Callable[[Sequence[int], str], None] | None = None,
    ) -> EnrichmentReport:
        """Computes the months in which something has changed; the others have the report of the run that computed them."""
        report = EnrichmentReport(asked=asked.outcomes)
        unchanged = Unchanged(self.database, stage, months)
        computed = [month for month in months if month not in unchanged.reports]
        for month in months:
            if month in unchanged.reports:
                last = unchanged.reports[month]
                report.counts[month] = {**last["counts"], "changed": 0}
                report.coverage[month], report.sample[month] = last["coverage"], last["sample"]
            else:
                self._compute(month, subjects[month], compute, run_id, report)
        if join is not None:
            for month in computed:
                join(subjects[month], run_id)
        unchanged.keep(
            {
                month: {
                    "counts": report.counts[month],
                    "coverage": report.coverage[month],
                    "sample": report.sample[month],
                }
                for month in computed
            }
        )
        with self.database.transaction() as tx:
            report.owed = store.owed(tx, months)
        return report

    def _compute(
        self, month: Month, subjects: Sequence[Any], compute: Compute, run_id: str, report: EnrichmentReport
    ) -> None:
        total, coverage = Counter({"computed": 0, "changed": 0, "conflicts": 0}), Counter[str]()
        report.sample[month] = []
        for start in range(0, len(subjects), CHUNK):
            with self.database.transaction() as tx:
                written = compute(tx, subjects[start : start + CHUNK], run_id)
            total.update({"computed": written.computed, "changed": written.changed, "conflicts": written.conflicts})
            report.sample[month] = report.sample[month] or written.sample
            coverage.update(written.fields)
        report.counts[month], report.coverage[month] = dict(total), dict(coverage)


def _from_search(found: Sequence[tuple[Isbn13, str, Mapping[str, Any]]]) -> list[Stated]:
    stated = []
    for isbn, provider, facts in found:
        if provider == LIST:  # no catalogue states it: the listing is a hint, not a source
            continue
        candidate = edition_of(provider, facts)
        stated.append(Stated(provider, "edition", store.RESOLUTION, isbn, candidate_facts(candidate)))
        if candidate.first_published:
            year = (("first_published", candidate.first_published),)
            stated.append(Stated(provider, "work", store.RESOLUTION, isbn, year))
    return stated


def _first_months(by_month: Mapping[Month, Mapping[Isbn13, int]]) -> dict[Isbn13, Month]:
    """The month on which the calls about an edition are booked: the first that lists it."""
    return {isbn: month for month in sorted(by_month, reverse=True) for isbn in by_month[month]}
