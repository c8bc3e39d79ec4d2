-- Group studies as they were written down, and as they stand after corrections.
create table study (
    id        integer primary key autoincrement,
    site      text    not null,
    start_us  integer not null,
    end_us    integer,              -- null: it is running
    body      text    not null,     -- evidence::Study
    entry     integer               -- its newest entry of the log; null: it has none yet
);
create index study_by_site on study (site, start_us);
create index study_by_time on study (start_us);
-- One at a time at each site.
create unique index study_running on study (site) where end_us is null;

-- What somebody proposed to correct, and who decided.
create table study_correction (
    id          integer primary key autoincrement,
    study       integer not null references study (id),
    body        text    not null,   -- evidence::Study as it should be
    reason      text    not null,
    by          text    not null,   -- an account
    at_us       integer not null,
    decided_by  text,
    decided_us  integer,
    approved    integer             -- null: it waits
);
create index study_correction_of on study_correction (study);
create unique index study_correction_waits on study_correction (study) where approved is null;

-- What each site played on a day of the county, united over its screens: summed up as playbacks
-- are logged. evidence::SessionRecord has the same in full.
create table site_day (
    site         text    not null,
    day          text    not null,
    watched      text    not null,  -- base::IntervalSet, ms of the epoch
    verified     text    not null,
    watched_ms   integer not null,
    verified_ms  integer not null,
    sessions     integer not null,
    primary key (site, day)
) without rowid;
create index site_day_by_day on site_day (day, site, watched_ms, verified_ms, sessions);

-- Every entry of a group study in the log, its corrections as well.
create table log_study (
    study  integer not null,
    entry  integer not null,
    primary key (study, entry)
) without rowid;
