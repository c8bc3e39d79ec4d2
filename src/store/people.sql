-- People of the county. Secrets are kept as hashes only.

create table account (
    id          text    primary key,
    login       text    not null unique,  -- in lower case
    name        text    not null,
    password    text,                     -- Argon2id in PHC's form; null: none chosen yet
    grants      text    not null,         -- people::Grant as JSON, a list
    state       text    not null,         -- people::AccountState
    created_us  integer not null
) without rowid;

-- Browsers in which somebody has signed in.
create table sign_in (
    hash        blob    primary key,      -- of the cookie
    account     text    not null references account (id),
    created_us  integer not null,
    seen_us     integer not null,
    agent       text    not null          -- what the browser says it is, shortened
) without rowid;
create index sign_in_by_account on sign_in (account);

-- Codes with which one person chooses a password, once.
create table invitation (
    hash        blob    primary key,      -- of the code
    account     text    not null references account (id),
    kind        text    not null,         -- invite, reset
    expires_us  integer not null
) without rowid;
create index invitation_by_account on invitation (account);

-- Who wrote what, when: appended to, never changed.
create table audit (
    id       integer primary key,
    at_us    integer not null,
    who      text,                        -- account; null: before anybody could sign in
    what     text    not null,
    subject  text    not null,
    before   text    not null,
    after    text    not null
);
create trigger audit_is_not_changed before update on audit
    begin select raise(abort, 'the audit log is only appended to'); end;
create trigger audit_is_not_cut before delete on audit
    begin select raise(abort, 'the audit log is only appended to'); end;
