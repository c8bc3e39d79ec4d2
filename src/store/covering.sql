-- The index by day answers the county's year by itself: what was sealed stands in it, too. Without
-- that each of 180,000 days was looked up in the table.
drop index site_day_by_day;
create index site_day_by_day on site_day (day, site, watched_ms, verified_ms, sessions, sealed_ms);
