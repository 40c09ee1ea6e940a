-- name: InsertActionItem :one
insert into action_items (op, incident, owner, due, body)
values (nullif(@op::text, ''), @incident, @owner, @due, @body)
on conflict (op) do nothing
returning id;

-- name: SetActionItem :exec
update action_items set owner = @owner, due = @due, done_at = sqlc.narg(done_at), body = @body where id = @id;

-- name: ActionItemByOp :one
select body from action_items where op = @op::text;

-- name: ActionItem :one
select body from action_items where id = @id;

-- name: LockActionItem :one
select body from action_items where id = @id for update;

-- name: ActionItems :many
select body from action_items
where (@incident::text = '' or incident = @incident::text) and (@owner::text = '' or owner = @owner::text) and (not @open_only::boolean or done_at is null)
order by (done_at is null) desc, due, id;

-- name: ForgetReminders :exec
delete from action_item_reminders where item = @item;

-- name: ClaimReminder :execrows
insert into action_item_reminders (item, reminder, until) values (@item, @reminder, clock_timestamp() + @claim_time::interval)
on conflict (item, reminder) do update set until = excluded.until where not action_item_reminders.told and action_item_reminders.until < clock_timestamp();

-- name: WasReminded :one
select told from action_item_reminders where item = @item and reminder = @reminder;

-- name: SaveReminded :exec
update action_item_reminders set told = true where item = @item and reminder = @reminder;
