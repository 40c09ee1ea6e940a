-- +goose Up

-- Cards in Slack that judge a service as it was at a moment: when it was changed since, they say so. Kept for two days.
create table answers (
    channel  text not null,
    message  text not null,
    service  text not null,
    address  json not null,
    card     json not null,
    shown_at timestamptz not null,
    primary key (channel, message)
);
create index answers_of on answers (service, shown_at);
