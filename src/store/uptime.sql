-- How long each relay had a picture on each day of the county's zone.
create table relay_day (
    day      text     not null,   -- civil date
    relay    text     not null,
    up_us    integer  not null,   -- duration of the segments recorded
    primary key (day, relay)
) without rowid;
