-- Of authors that are joined, the first by key stands for all, an identifier before a name: it was the one found first.

with member as (
    select author_id, author_key, coalesce(merged_into, author_id) as cluster from enriched_authors
), first as (
    select distinct on (cluster) cluster, author_id
    from member order by cluster, starts_with(author_key, 'name:'), author_key collate "C"
)
update enriched_authors a set merged_into = nullif(f.author_id, a.author_id)
from member m join first f using (cluster)
where a.author_id = m.author_id and a.merged_into is distinct from nullif(f.author_id, a.author_id);
