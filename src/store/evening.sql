-- Lessons that the office has put together for a study evening, one after another.
create table evening (
    id    integer primary key autoincrement,  -- an address that was printed never means another
    body  text    not null                    -- base::Evening
);
