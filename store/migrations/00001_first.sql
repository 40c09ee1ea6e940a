-- +goose Up

-- One row per request. body is json and not jsonb: what people type may hold \u0000, which jsonb refuses.
-- The other columns repeat what is searched by; the store writes both together.
create table approvals (
    id         text primary key,
    key        text unique, -- null: cannot be asked twice
    state      text not null,
    service    text not null,
    target     text not null,
    origin     json not null,
    body       json not null,
    version    bigint not null default 1,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now()
);
create index approvals_by_age on approvals (created_at desc);
create index approvals_open on approvals (state) where state in ('pending', 'approved', 'executing', 'applied');

-- Who may change a target. Rows stay when the lease is over, so that tokens only ever rise.
create table leases (
    target text primary key,
    holder text not null,
    token  bigint not null,
    until  timestamptz not null
);

create table cards (
    request text not null references approvals (id),
    role    text not null,
    address json not null,
    primary key (request, role)
);

create table inbox (
    key         text primary key,
    kind        text not null,
    payload     bytea not null,
    received_at timestamptz not null default now(),
    done_at     timestamptz
);
create index inbox_done on inbox (done_at) where done_at is not null;

create table group_snapshots (
    group_id text primary key,
    members  json not null,
    as_of    timestamptz not null
);

-- The bots on this database, each seen every few seconds: whose jobs are nobody's any more.
create table replicas (
    id      text primary key,
    seen_at timestamptz not null
);

-- The audit log: hash = SHA-256(domain, then prev, seq and entry, each with its length in front). entry is bytea, so that what was hashed
-- is what is kept.
create table audit (
    seq   bigint primary key,
    entry bytea not null,
    prev  bytea not null,
    hash  bytea not null
);
create table audit_head (
    only_row boolean primary key default true check (only_row),
    seq      bigint not null,
    hash     bytea not null
);
insert into audit_head (seq, hash) values (0, ''::bytea);

-- +goose StatementBegin
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only: % refused', tg_op;
end
$$;
-- +goose StatementEnd
create trigger audit_append_only before update or delete on audit for each row execute function audit_is_append_only();
create trigger audit_no_truncate before truncate on audit for each statement execute function audit_is_append_only();
create trigger audit_head_stays before delete on audit_head for each row execute function audit_is_append_only();
create trigger audit_head_no_truncate before truncate on audit_head for each statement execute function audit_is_append_only();
