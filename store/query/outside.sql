-- name: RememberPage :exec
insert into pages (incident, way, key) values (@incident, @way, @key) on conflict do nothing;

-- name: RememberedPages :many
select key from pages where incident = @incident and way = @way order by seq;

-- name: WatchedURL :one
select results, failing from watched_urls where url = @url;

-- name: SaveWatchedURL :exec
insert into watched_urls (url, results, failing) values (@url, @results, @failing)
on conflict (url) do update set results = excluded.results, failing = excluded.failing, seen_at = now();
