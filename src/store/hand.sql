-- What somebody on duty put in a schedule's place: the last command of each channel.
create table hand (
    channel  text  primary key,
    body     text  not null      -- channel::Hand
) without rowid;
