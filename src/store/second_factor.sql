-- Second factors of accounts (people::SecondFactor), once they are confirmed.
create table second_factor (
    account    text    primary key references account (id),
    secret     blob    not null,          -- as it is, since codes are computed from it
    last_step  integer not null           -- half minute whose code was taken last
) without rowid;

-- Codes for who has lost what makes the others. One that is used is gone.
create table recovery_code (
    hash       blob    primary key,
    account    text    not null references account (id)
) without rowid;
create index recovery_code_by_account on recovery_code (account);
