-- Terminals enrolled with a code. Those of the county's file are not here.
create table terminal (
    id           text    primary key,      -- never used again
    site         text    not null,
    names        text    not null,         -- base::Titles as JSON
    device       text    not null,         -- sites::DeviceKind
    token        blob    not null unique,  -- SHA-256 of what it holds
    enrolled_us  integer not null
) without rowid;

-- Codes with which one device enrols, once.
create table enrolment (
    hash         blob    primary key,      -- of the code
    site         text    not null,
    names        text    not null,
    device       text    not null,
    expires_us   integer not null
) without rowid;
