-- +goose Up

-- What was sent to wake people, by which way, so that it can be ended and is not sent again.
create table pages (
    incident text not null,
    way      text not null,
    key      text not null,
    seq      bigint generated always as identity,
    sent_at  timestamptz not null default now(),
    primary key (incident, way, key)
);

-- What the watch of the health URLs has seen of each: the newest results, the last one first, and whether it counts as failing.
create table watched_urls (
    url     text primary key,
    results text not null,
    failing boolean not null,
    seen_at timestamptz not null default now()
);
