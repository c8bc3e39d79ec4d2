-- The log of evidence: what became final, in that order. Rows are added and never change, but
-- that what an entry commits to may be erased.
create table log_entry (
    no       integer primary key,      -- from 0, without holes
    at_us    integer not null,         -- never before the row before it
    leaf     text    not null,         -- tlog::Entry as JSON, byte for byte
    salt     blob,                     -- null: erased
    body     text                      -- what it commits to; null: session.record of the session
);
create index log_entry_by_time on log_entry (at_us);

-- Hashes of its tree: tlog::TileId, up to 256 hashes of 32 bytes.
create table log_tile (
    level    integer not null,
    no       integer not null,
    hashes   blob    not null,
    primary key (level, no)
) without rowid;

-- Checkpoints that were signed.
create table log_checkpoint (
    size     integer primary key,
    at_us    integer not null,
    note     text    not null          -- with the lines of witnesses
);

-- Other logs that are witnessed here: the last checkpoint that was cosigned.
create table log_seen (
    origin   text    primary key,
    size     integer not null,
    root     blob    not null
) without rowid;

-- The entry of a closed session; null: it has none yet, or nothing was played.
alter table session add column entry integer;
create index session_by_entry on session (entry) where entry is not null;
create index session_unlogged on session (closed_us)
    where entry is null and closed_us is not null and opened_us is not null;

-- Days of channels that are in the log.
create table log_day (
    channel  text    not null,
    day      text    not null,
    entry    integer not null,
    primary key (channel, day)
) without rowid;
