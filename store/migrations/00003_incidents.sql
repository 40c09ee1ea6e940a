-- +goose Up

-- One row per incident. The other columns repeat what is searched by; the store writes both together.
create table incidents (
    id          text primary key,
    op          text unique, -- the delivery that opened it; null: cannot come twice
    key         text not null, -- what gathers alerts
    state       text not null,
    service     text not null,
    room        text unique, -- the channel's Slack ID
    room_name   text unique, -- reserved before Slack is asked, so that a channel of this name is this incident's
    next_at     timestamptz, -- when the escalation ladder is due
    resolved_at timestamptz,
    origin      json not null,
    body        json not null,
    version     bigint not null default 1,
    opened_at   timestamptz not null default now()
);
-- Of several replicas that open an incident for the same alerts, one wins.
create unique index incidents_open_key on incidents (key) where state in ('open', 'investigating', 'identified', 'monitoring');
create index incidents_by_key on incidents (key, opened_at desc);
create index incidents_by_age on incidents (opened_at desc);
create index incidents_due on incidents (next_at) where next_at is not null;

-- Every alert that ever belonged to an incident, however often it came.
create table incident_alerts (
    incident    text not null references incidents (id),
    fingerprint text not null,
    source      text not null,
    name        text not null,
    status      text not null,
    fired       bigint not null, -- deliveries that said firing
    ended       bigint not null, -- deliveries that said resolved
    flaps       bigint not null default 0, -- how often it came back
    alert       json not null, -- as it came last
    first_at    timestamptz not null default now(),
    last_at     timestamptz not null default now(),
    primary key (incident, fingerprint)
);

-- Alerts that recovered and belong to no incident: svcdown did not run when they fired, or their incident is over.
create table stray_alerts (
    fingerprint text primary key,
    source      text not null,
    name        text not null,
    received    bigint not null,
    last_at     timestamptz not null default now()
);

create table timeline (
    seq      bigint generated always as identity primary key,
    incident text not null references incidents (id),
    op       text, -- what happened is put down once; null: it cannot come twice
    at       timestamptz not null,
    body     json not null,
    unique (incident, op)
);
create index timeline_of on timeline (incident, at, seq);

-- Where the cards of an incident stand, by role.
create table incident_cards (
    incident text not null references incidents (id),
    role     text not null,
    address  json not null,
    primary key (incident, role)
);

-- Who shows an incident at this moment: one at a time, or two would make a channel each.
create table incident_shows (
    incident text primary key references incidents (id),
    holder   text not null,
    until    timestamptz not null
);

-- +goose StatementBegin
create function timeline_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the timeline is append-only: % refused', tg_op;
end
$$;
-- +goose StatementEnd
create trigger timeline_append_only before update or delete on timeline for each row execute function timeline_is_append_only();
create trigger timeline_no_truncate before truncate on timeline for each statement execute function timeline_is_append_only();
