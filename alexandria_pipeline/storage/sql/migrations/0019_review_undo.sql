-- A decision can be withdrawn by the person who made it. The rows of decisions stay; a row of its own withdraws one.
alter table review_decision drop constraint review_decision_decision_check;
alter table review_decision drop constraint review_decision_check;
alter table review_decision
    add column undoes bigint unique references review_decision,
    add column before jsonb,
    add constraint review_decision_decision_check check (decision in ('accepted', 'rejected', 'withdrawn')),
    add constraint review_decision_accepted_has_isbn check (decision <> 'accepted' or isbn13 is not null),
    add constraint review_decision_withdrawn_names_one check ((decision = 'withdrawn') = (undoes is not null));
comment on column review_decision.undoes is 'The decision that this row withdraws; null for a decision.';
comment on column review_decision.before is
    'The books of the work with their outcomes before the decision, so that they can be restored; null for decisions before November 2026.';

create view standing_decision as
select r.* from review_decision r
where r.decision <> 'withdrawn' and not exists (select from review_decision u where u.undoes = r.review_id);
comment on view standing_decision is 'The decisions that have not been withdrawn.';

create or replace view closed_work as
select distinct r.work_id
from standing_decision r
where r.isbn13 is null
  and not exists (select from standing_decision a where a.work_id = r.work_id and a.decision = 'accepted' and a.review_id > r.review_id);
