-- name: InsertRequest :execrows
insert into approvals (id, key, state, service, target, origin, body)
values (@id, nullif(@key::text, ''), @state, @service, @target, @origin, @body)
on conflict (key) do nothing;

-- name: RequestByKey :one
select body from approvals where key = @key::text;

-- name: RequestByID :one
select body from approvals where id = @id;

-- name: LockRequest :one
select body from approvals where id = @id for update;

-- name: UpdateRequest :exec
update approvals set state = @state, service = @service, target = @target, body = @body, version = version + 1, changed_at = now()
where id = @id;

-- name: Requests :many
select body from approvals
where (@service::text = '' or service = @service)
  and (not @open_only::boolean or state in ('pending', 'approved', 'executing', 'applied'))
order by created_at desc, id
limit @most;

-- name: RequestVersion :one
select version from approvals where id = @id;

-- name: CountByState :many
select state, count(*) as requests from approvals group by state;

-- name: LapsedExecutions :many
select a.id from approvals a
left join leases l on l.target = a.target and l.holder = a.id
where a.state = 'executing' and (l.until is null or l.until <= clock_timestamp());

-- name: IdleApproved :many
select a.id from approvals a
left join leases l on l.target = a.target and l.until > clock_timestamp()
where a.state = 'approved' and l.target is null and a.changed_at < clock_timestamp() - interval '5 seconds';

-- name: SaveCard :exec
insert into cards (request, role, address) values (@request, @role, @address)
on conflict (request, role) do update set address = excluded.address;

-- name: CardsOf :many
select role, address from cards where request = @request
union all
select 'origin', origin from approvals where id = @request;
