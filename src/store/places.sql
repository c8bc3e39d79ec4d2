-- Townships and sites that the office keeps. Those of the county's file are not here.
create table place (
    id           text    primary key,      -- sites::PlaceId, such as site/dongmen
    place        text    not null          -- sites::Place as JSON
) without rowid;
