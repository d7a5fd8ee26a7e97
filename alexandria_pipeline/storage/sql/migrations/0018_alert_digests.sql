-- Many alerts of one kind become one message a day.

alter table alert
    add column kind text not null default '',
    add column badness double precision not null default 0,
    add column digest_id bigint references alert on delete set null;
comment on column alert.kind is 'What alerts of one sort have in common, such as the failed check; the cause also names the month.';
comment on column alert.badness is 'How bad it is among alerts of its kind: the digest shows the worst.';
comment on column alert.digest_id is 'The digest that was sent in its place.';
create index alert_kind on alert (kind, sent_at);
create index alert_digest on alert (digest_id) where digest_id is not null;
