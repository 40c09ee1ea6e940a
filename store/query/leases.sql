-- Leases live by the database's clock (clock_timestamp, since now() stands still within a transaction): several bots must agree on when one
-- lapsed, and their own clocks do not.

-- name: MakeLease :exec
insert into leases (target, holder, token, until) values (@target, @holder, 0, to_timestamp(0)) on conflict (target) do nothing;

-- name: Acquire :one
insert into leases as l (target, holder, token, until)
values (@target, @holder, 1, clock_timestamp() + @lease_time::interval)
on conflict (target) do update
set holder = excluded.holder, token = l.token + 1, until = clock_timestamp() + @lease_time::interval
where (l.holder = @holder or l.until <= clock_timestamp())
  and not exists (select 1 from approvals a where a.id = l.holder and a.state = 'executing')
returning token, (extract(epoch from until - clock_timestamp()) * 1000000)::bigint as left_us;

-- name: TakeOver :one
insert into leases as l (target, holder, token, until)
values (@target, @holder, 1, clock_timestamp() + @lease_time::interval)
on conflict (target) do update
set holder = excluded.holder, token = l.token + 1, until = clock_timestamp() + @lease_time::interval
where l.until <= clock_timestamp()
returning token, (extract(epoch from until - clock_timestamp()) * 1000000)::bigint as left_us;

-- name: LockLease :one
select holder, token, until, (until <= clock_timestamp())::boolean as lapsed from leases where target = @target for update;

-- name: Release :execrows
update leases set until = clock_timestamp() where target = @target and holder = @holder and token = @token and until > clock_timestamp();

-- name: Held :one
select exists (select 1 from leases where target = @target and until > clock_timestamp());
