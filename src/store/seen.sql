-- Of the playbacks of a day those whose players beat, and how long these were paused, hidden or
-- waited for the line. Null: a day that was summed up before this was counted.
alter table site_day add column beating integer;
alter table site_day add column idle_ms integer;
