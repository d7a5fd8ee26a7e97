-- Editions are copied straight into the new catalogue, which therefore knows their revisions: the newest one is kept.

alter table catalog_dump_edition add column revision integer;
comment on column catalog_dump_edition.revision is 'The revision of the record; null in a catalogue that was imported before there was this column.';
