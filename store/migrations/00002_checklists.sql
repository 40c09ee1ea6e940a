-- +goose Up

-- One row per runbook that is worked through. source is the document as it was then; body is json and not jsonb for the same reason as
-- that of approvals.
create table checklists (
    id         text primary key,
    key        text unique, -- null: cannot be opened twice
    runbook    text not null,
    service    text not null,
    source     bytea not null,
    body       json not null,
    version    bigint not null default 1,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now()
);

-- What is too long for the body, and what is searched by: the newest report of a check, the request of an action.
create table checklist_steps (
    checklist text not null references checklists (id),
    step      int not null,
    report    json,
    request   text unique,
    primary key (checklist, step)
);
