-- +goose Up

-- Who is at something that is done once for an incident, until then; that it is done stands in incident_cards.
create table incident_card_claims (
    incident text not null references incidents (id),
    role     text not null,
    until    timestamptz not null,
    primary key (incident, role)
);
