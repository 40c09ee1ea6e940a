-- name: InsertIncident :execrows
insert into incidents (id, op, key, state, service, next_at, origin, body)
values (@id, nullif(@op::text, ''), @key, @state, @service, sqlc.narg(next_at), @origin, @body)
on conflict do nothing;

-- name: IncidentByOp :one
select body from incidents where op = @op::text;

-- name: IncidentByID :one
select body from incidents where id = @id;

-- name: IncidentByRoom :one
select body from incidents where room = @room::text;

-- name: IncidentVersion :one
select version from incidents where id = @id;

-- name: OpenIncidentByKey :one
select body from incidents where key = @key and state in ('open', 'investigating', 'identified', 'monitoring');

-- name: IncidentOfService :one
-- The newest that people may still be busy with.
select body from incidents where service = @service and state <> 'closed' order by opened_at desc limit 1;

-- name: LockIncident :one
select body from incidents where id = @id for update;

-- name: LockIncidentForAlerts :one
-- The open incident of a key, else the one that was resolved so recently that an alert opens it again; with any_state else the newest.
select body from incidents
where key = @key and (@any_state::boolean or state in ('open', 'investigating', 'identified', 'monitoring') or (state = 'resolved' and resolved_at > @resolved_after))
order by (state not in ('resolved', 'closed')) desc, opened_at desc
limit 1
for update;

-- name: KeysTakingAlerts :many
-- Those with an incident that LockIncidentForAlerts finds for alerts that fire.
select distinct key from incidents
where key = any(@keys::text[]) and (state in ('open', 'investigating', 'identified', 'monitoring') or (state = 'resolved' and resolved_at > @resolved_after));

-- name: CountOfNoService :one
-- People open incidents for services only, so that these were opened by alerts.
select count(*) from incidents
where service = '' and key <> @common and state in ('open', 'investigating', 'identified', 'monitoring') and opened_at > now() - @within::interval;

-- name: LockOpeningOfNoService :exec
select pg_advisory_xact_lock(hashtextextended('svcdown: open incidents of no service', 0));

-- name: UpdateIncident :exec
update incidents set state = @state, service = @service, room = nullif(@room::text, ''), room_name = nullif(@room_name::text, ''),
    next_at = sqlc.narg(next_at), resolved_at = sqlc.narg(resolved_at), body = @body, version = version + 1
where id = @id;

-- name: TouchIncident :exec
update incidents set version = version + 1 where id = @id;

-- name: Incidents :many
select body from incidents
where (not @open_only::boolean or state <> 'closed')
order by (state <> 'closed') desc, opened_at desc
limit @most;

-- name: ClimbingIncidents :many
-- Those that nobody has taken in the present round of their escalation.
select body from incidents
where state in ('open', 'investigating', 'identified', 'monitoring') and not coalesce((body -> 'climb' ->> 'stopped')::boolean, false);

-- name: OverdueIncidents :many
select id from incidents where next_at < @due::timestamptz;

-- name: CountAlerts :one
select count(*) as known, count(*) filter (where status = 'firing') as firing, coalesce(sum(fired + ended), 0)::bigint as received
from incident_alerts where incident = @incident;

-- name: CountStrays :one
select coalesce(sum(received), 0)::bigint as received from stray_alerts;

-- name: AppendEvent :execrows
insert into timeline (incident, op, at, body) values (@incident, nullif(@op::text, ''), @at, @body) on conflict (incident, op) do nothing;

-- name: Timeline :many
select body from timeline where incident = @incident order by at, seq;

-- name: SaveIncidentCard :exec
insert into incident_cards (incident, role, address) values (@incident, @role, @address)
on conflict (incident, role) do update set address = excluded.address;

-- name: IncidentCards :many
select role, address from incident_cards where incident = @incident
union all
select 'origin', origin from incidents where id = @incident;

-- name: TakeShow :execrows
insert into incident_shows as s (incident, holder, until) values (@incident, @holder, clock_timestamp() + @show_time::interval)
on conflict (incident) do update set holder = excluded.holder, until = excluded.until
where s.holder = excluded.holder or s.until <= clock_timestamp();

-- name: EndShow :exec
update incident_shows set until = clock_timestamp() where incident = @incident and holder = @holder;

-- name: ClaimIncidentCard :execrows
insert into incident_card_claims as c (incident, role, until) values (@incident, @role, clock_timestamp() + @claim_time::interval)
on conflict (incident, role) do update set until = excluded.until where c.until <= clock_timestamp();

-- name: FreeIncidentCard :exec
update incident_card_claims set until = clock_timestamp() where incident = @incident and role = @role;

-- name: HasIncidentCard :one
select exists (select from incident_cards where incident = @incident and role = @role);
