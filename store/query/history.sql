-- name: IncidentsSince :many
select body from incidents where opened_at >= @since order by opened_at desc, id limit @most;

-- name: RequestsSince :many
select body from approvals where created_at >= @since order by created_at desc, id limit @most;
