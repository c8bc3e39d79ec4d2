-- What accounts are to identity providers (people::Identity): another way in.
create table identity (
    issuer     text    not null,
    subject    text    not null,
    account    text    not null references account (id),
    name       text    not null,          -- as the provider said it when it was linked
    primary key (issuer, subject)
) without rowid;
create unique index identity_by_account on identity (account, issuer);
