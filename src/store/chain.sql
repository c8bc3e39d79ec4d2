-- Chains of links that devices keep while they have no line: begun at a meeting with the server,
-- sealed at the next. What is sealed at once is a session, the first of the same name.
create table chain (
    id         text    primary key,
    body       text    not null,  -- evidence::Chain
    sealed     text               -- evidence::SealedPart, the last; null: none was
) without rowid;

-- What a site played without a line on a day: base::IntervalSet, ms of the epoch; and what of it
-- was not counted as watched or verified besides, ms. Null: nothing.
alter table site_day add column sealed text;
alter table site_day add column sealed_ms integer;
