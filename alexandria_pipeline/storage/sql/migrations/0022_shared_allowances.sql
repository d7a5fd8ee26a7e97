-- Services that share one allowance (Wikidata and Wikipedia) keep a distance between the slots of all of them. The
-- declarations of the services state which share one.

alter table provider_health add column last_slot_at timestamptz;
comment on column provider_health.last_slot_at is
    'The latest slot that was reserved: services that share an allowance with this one keep a distance from it.';
