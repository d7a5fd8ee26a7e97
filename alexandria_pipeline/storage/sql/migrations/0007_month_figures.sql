-- The figures of a month are computed in one place: these functions. Every query that shows or stores them calls them.

create function month_figures(years smallint[], months smallint[])
returns table (year smallint, month smallint, generated bigint, resolved bigint, works bigint, synthetic bigint, lost bigint, queued bigint)
language sql stable as $$
    select w.year, w.month, count(g.book_id), count(g.book_id) filter (where g.outcome = 'resolved'), count(distinct g.work_id),
           count(distinct g.work_id) filter (where e.synthetic), count(g.book_id) filter (where g.work_id is null),
           count(distinct g.isbn13) filter (where g.outcome = 'resolved'
                                            and not exists (select from enrichment_log l where l.isbn13 = g.isbn13))
    from unnest(years, months) as w (year, month)
    left join generated_book g using (year, month)
    left join enriched_works e using (work_id)
    group by w.year, w.month
$$;
comment on function month_figures is
    'Books and works of each month: generated, resolved, works, still synthetic, books without a work (lost), ISBNs not enriched yet (queued).';

create function month_calls(years smallint[], months smallint[])
returns table (year smallint, month smallint, isbndb bigint, gemini bigint, xai bigint)
language sql stable as $$
    select w.year, w.month, count(c.call_id) filter (where c.service = 'isbndb'), count(c.call_id) filter (where c.service = 'gemini'),
           count(c.call_id) filter (where c.service = 'xai')
    from unnest(years, months) as w (year, month)
    left join api_call c using (year, month)
    group by w.year, w.month
$$;
comment on function month_calls is 'HTTP attempts of each month by service, from the call ledger.';

create function resolution_rate(resolved bigint, generated bigint) returns numeric
language sql immutable as $$ select coalesce(round(100.0 * resolved / nullif(generated, 0), 2), 0) $$;
comment on function resolution_rate is 'Percent of the generated books that have an ISBN; 0 without books.';
