package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/store/query"
)

// overflowed finds the alerts whose last place is the common incident: the open one, or one that takes them all the same (as
// LockIncidentForAlerts has it).
const overflowed = `
select b.key, b.fingerprint
from unnest($1::text[], $2::text[], $3::boolean[]) as b (key, fingerprint, fires)
cross join lateral (
    select i.key, i.state not in ('resolved', 'closed') or (i.state = 'resolved' and i.resolved_at > $5) as takes
    from incidents i join incident_alerts a on a.incident = i.id and a.fingerprint = b.fingerprint
    where i.key in (b.key, $4)
    order by (i.state not in ('resolved', 'closed')) desc, a.last_at desc
    limit 1
) as last
where last.key = $4 and (last.takes or not b.fires)`

// spread gives alerts that may open no incident to the common one. Whoever takes alerts of no service does so alone until its transaction ends,
// which is what keeps two bots within the bound. That lock is asked for before any incident's, so that nobody waits in a circle; a batch that has
// alerts of services only never asks for it.
func (s *Store) spread(ctx context.Context, tx pgx.Tx, q *query.Queries, batch []incident.Gathered, rules incident.Rules) ([]incident.Gathered, error) {
	var keys, keyOf, fingerprints []string
	var fires []bool
	for _, g := range batch {
		if g.Service != "" {
			continue
		}
		keys = append(keys, g.Key)
		for _, c := range g.Alerts {
			keyOf, fingerprints, fires = append(keyOf, g.Key), append(fingerprints, c.Fingerprint), append(fires, c.Status == incident.Firing)
		}
	}
	if len(keys) == 0 {
		return batch, nil
	}
	if err := q.LockOpeningOfNoService(ctx); err != nil {
		return nil, err
	}
	p := incident.Places{Taking: map[string]bool{}, Overflowed: map[incident.Place]bool{}}
	after := moment(s.now().Add(-rules.Flapping))
	taking, err := q.KeysTakingAlerts(ctx, query.KeysTakingAlertsParams{Keys: keys, ResolvedAfter: after})
	if err != nil {
		return nil, err
	}
	for _, key := range taking {
		p.Taking[key] = true
	}
	rows, err := tx.Query(ctx, overflowed, keyOf, fingerprints, fires, incident.OverflowKey, after)
	if err != nil {
		return nil, err
	}
	var at incident.Place
	if _, err := pgx.ForEachRow(rows, []any{&at.Key, &at.Fingerprint}, func() error {
		p.Overflowed[at] = true
		return nil
	}); err != nil {
		return nil, err
	}
	active, err := q.CountOfNoService(ctx, query.CountOfNoServiceParams{Common: incident.OverflowKey, Within: incident.OverflowWindow})
	if err != nil {
		return nil, err
	}
	p.Left = max(0, incident.MaxOfNoService-int(active))
	return incident.Spread(batch, p), nil
}
