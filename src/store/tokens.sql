-- What another system did, it did in somebody's name.
alter table audit add column via text not null default '';

-- Tokens of other systems, for the API.
create table api_token (
    hash        blob    primary key,
    name        text    not null,         -- of the system
    account     text    not null references account (id),
    scopes      text    not null,         -- people::TokenScope as JSON, a list
    created_us  integer not null,
    expires_us  integer not null,
    used_us     integer
) without rowid;

-- Requests that are done once, however often they are sent.
create table once (
    owner        blob    not null,        -- hash of who asks
    key          text    not null,        -- what he calls the request
    fingerprint  blob    not null,        -- hash of what he asks
    at_us        integer not null,
    status       integer,                 -- null: it was begun, and how it ended is not known
    body         blob,
    primary key (owner, key)
) without rowid;
