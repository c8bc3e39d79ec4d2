-- The store of one county. Instants are microseconds since the epoch, UTC.
-- What a pure room defines is kept as that room's own JSON in `body`; columns
-- beside it exist to find rows, never to replace it.

-- The as-run log (播出日志): one row per airing, never deleted, closed once.
create table airing (
    channel   text    not null,
    no        integer not null,  -- position in the channel's log, from 0, without holes
    start_us  integer not null,
    until_us  integer not null,  -- planned end; moves with the schedule while on air
    segments  integer,           -- used when closed; null while on air
    body      text    not null,
    primary key (channel, no)
) without rowid;
create index airing_by_start on airing (channel, start_us);

-- When a channel's timeline was last carried on: after a restart, what had
-- begun by then counts as published.
create table channel_seen (
    channel  text    primary key,
    seen_us  integer not null
) without rowid;

-- Playback sessions. Open ones are snapshots that a restart restores; closed
-- ones are records and no longer change.
create table session (
    id         text    primary key,
    site       text,              -- null: the public
    terminal   text,
    opened_us  integer,           -- null: nothing was delivered or played yet
    active_us  integer not null,
    closed_us  integer,           -- null while open
    body       text    not null,  -- evidence::Session
    record     text               -- evidence::SessionRecord, once closed
) without rowid;
create index session_by_site on session (site, active_us);
create index session_open on session (closed_us) where closed_us is null;

-- What happened to relays, packages and schedules, for the engineer.
create table event (
    id       integer primary key,
    at_us    integer not null,
    subject  text    not null,   -- such as relay/national, lesson/grape-pruning
    kind     text    not null,   -- such as stalled, resumed, packaged, failed
    detail   text    not null
);
create index event_by_subject on event (subject, at_us);
