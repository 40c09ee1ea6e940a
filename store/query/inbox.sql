-- name: Receive :execrows
insert into inbox (key, kind, payload) values (@key, @kind, @payload) on conflict (key) do nothing;

-- name: Received :one
select kind, payload, done_at from inbox where key = @key;

-- name: Done :exec
update inbox set done_at = now(), payload = '' where key = @key;

-- name: ForgetInbox :execrows
delete from inbox where coalesce(done_at, received_at) < now() - @age::interval;

-- name: SaveGroup :exec
insert into group_snapshots (group_id, members, as_of) values (@group_id, @members, @as_of)
on conflict (group_id) do update set members = excluded.members, as_of = excluded.as_of
where group_snapshots.as_of <= excluded.as_of;

-- name: ForgetGroups :exec
delete from group_snapshots where as_of < @before;

-- name: LoadGroups :many
select group_id, members, as_of from group_snapshots;

-- name: Seen :exec
insert into replicas (id, seen_at) values (@id, clock_timestamp())
on conflict (id) do update set seen_at = excluded.seen_at;

-- name: Gone :exec
delete from replicas where id = @id or seen_at < now() - interval '1 day';
