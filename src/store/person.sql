-- A person was erased from a group study and its next entry in the log is to say so.
alter table study add column erased integer not null default 0;

-- Photos and scanned sheets of group studies: what they are; their bytes are files beside the
-- store. A row whose file was erased stays, since the log speaks of it.
create table study_paper (
    id         integer primary key autoincrement,
    study      integer not null references study (id),
    body       text    not null,  -- evidence::Paper
    entry      integer,           -- its entry of the log; null: it has none yet
    erased_us  integer
);
create index study_paper_of on study_paper (study);
create index study_paper_unlogged on study_paper (id) where entry is null;
