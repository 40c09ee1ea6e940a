-- name: LockAuditHead :one
select seq, hash from audit_head for update;

-- name: SetAuditHead :exec
update audit_head set seq = @seq, hash = @hash;

-- name: AuditHead :one
select seq, hash from audit_head;

-- name: InsertAudit :exec
insert into audit (seq, entry, prev, hash) values (@seq, @entry, @prev, @hash);

-- name: AuditTail :many
select seq, entry, prev, hash from audit order by seq desc limit @most;

-- name: AuditFrom :many
select seq, entry, prev, hash from audit where seq > @after order by seq limit @most;
