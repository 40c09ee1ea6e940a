-- name: InsertChecklist :execrows
insert into checklists (id, key, runbook, service, source, body)
values (@id, nullif(@key::text, ''), @runbook, @service, @source, @body)
on conflict (key) do nothing;

-- name: ChecklistByKey :one
select source, body, version from checklists where key = @key::text;

-- name: ChecklistByID :one
select source, body, version from checklists where id = @id;

-- name: LockChecklist :one
select source, body, version from checklists where id = @id for update;

-- name: UpdateChecklist :exec
update checklists set body = @body, version = version + 1, changed_at = now() where id = @id;

-- name: SaveReport :exec
insert into checklist_steps (checklist, step, report) values (@checklist, @step, @report)
on conflict (checklist, step) do update set report = excluded.report;

-- name: Report :one
select report from checklist_steps where checklist = @checklist and step = @step and report is not null;

-- name: FollowRequest :one
insert into checklist_steps (checklist, step, request)
select @checklist, @step, a.id from approvals a where a.key = @key::text
on conflict (checklist, step) do update set request = excluded.request
returning request;

-- name: Following :one
select checklist, step from checklist_steps where request = @request::text;
