-- +goose Up

-- What somebody will do after an incident. The other columns repeat what is searched by.
create table action_items (
    id       bigint generated always as identity primary key,
    op       text unique, -- the delivery that added it; null: cannot come twice
    incident text not null references incidents (id),
    owner    text not null,
    due      text not null, -- YYYY-MM-DD
    done_at  timestamptz,
    body     json not null,
    added_at timestamptz not null default now()
);
create index action_items_of on action_items (incident, id);
create index action_items_open on action_items (owner, due) where done_at is null;

-- What owners were told already: each reminder once. Whoever tells one has it until a moment, so that no other bot tells it meanwhile.
create table action_item_reminders (
    item     bigint not null references action_items (id),
    reminder text not null,
    told     boolean not null default false,
    until    timestamptz not null,
    primary key (item, reminder)
);
