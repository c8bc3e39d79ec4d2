-- A closed session has an empty body from here on: its record says all that is asked of it.
--
-- What happened in open sessions since their bodies in `session` were written:
-- lines of `evidence::Happened`, oldest first. They go when the bodies are
-- written anew.
create table journal (
    n integer primary key,
    session text not null,
    line text not null
) strict;
