-- name: SaveAnswer :exec
with forgotten as (delete from answers as old where old.shown_at < @forget)
insert into answers (channel, message, service, address, card, shown_at) values (@channel, @message, @service, @address, @card, @shown_at)
on conflict (channel, message) do update set card = excluded.card, shown_at = excluded.shown_at;

-- name: AnswersOf :many
select address, card, shown_at from answers
where service = @service and shown_at > @after and shown_at < @before
order by shown_at desc limit @most;
