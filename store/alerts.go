package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/store/query"
)

// upsertAlerts counts one incident's part of a batch and says what each fingerprint was before. The incident's row is locked, so nobody else
// counts meanwhile.
const upsertAlerts = `
with batch as (
    select * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[])
        as t (fingerprint, source, name, status, fired, ended, alert)
), before as (
    select a.fingerprint, a.status from incident_alerts a join batch using (fingerprint) where a.incident = $1
), done as (
    insert into incident_alerts as a (incident, fingerprint, source, name, status, fired, ended, alert)
    select $1, fingerprint, source, name, status, fired, ended, alert::json from batch
    on conflict (incident, fingerprint) do update
    set source = excluded.source, name = excluded.name, status = excluded.status, fired = a.fired + excluded.fired, ended = a.ended + excluded.ended,
        alert = excluded.alert, last_at = now(), flaps = a.flaps + (a.status = 'resolved' and excluded.fired > 0)::int
)
select b.name, b.status, b.fired, coalesce(o.status, '') from batch b left join before o using (fingerprint)`

const upsertStrays = `
insert into stray_alerts as s (fingerprint, source, name, received)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
on conflict (fingerprint) do update set source = excluded.source, name = excluded.name, received = s.received + excluded.received, last_at = now()`

// TakeAlerts stores a batch in one transaction: every alert is counted at its incident or as a stray, and incidents are opened, reopened and
// told what is new. Of several bots that take the same alerts at once one opens the incident, and the others find it. Alerts of no service open no
// more than [incident.MaxOfNoService] incidents, however many bots take them.
// [approval.ErrUnavailable]; after an error nothing of the batch is stored.
func (s *Store) TakeAlerts(ctx context.Context, batch []incident.Gathered, rules incident.Rules) (incident.Receipt, error) {
	var receipt incident.Receipt
	err := s.tx(ctx, fmt.Sprintf("take %d groups of alerts", len(batch)), func(ctx context.Context, tx pgx.Tx, q *query.Queries) error {
		receipt = incident.Receipt{}
		spread, err := s.spread(ctx, tx, q, batch, rules)
		if err != nil {
			return fmt.Errorf("count the incidents of no service: %w", err)
		}
		var changes []change
		for _, g := range spread {
			more, err := s.takeGroup(ctx, tx, q, g, rules, &receipt)
			if err != nil {
				return fmt.Errorf("%s: %w", g.Key, err)
			}
			changes = append(changes, more...)
		}
		// The audit log is locked by the first that is written: by now every incident is.
		for _, c := range changes {
			if err := s.write(ctx, tx, q, c); err != nil {
				return fmt.Errorf("%s: %w", c.is.Key, err)
			}
		}
		return nil
	})
	if err != nil {
		return incident.Receipt{}, err
	}
	return receipt, nil
}

// change is what becomes of an incident whose row is locked; was is no incident when it was opened.
type change struct {
	was, is incident.Incident
	events  []incident.Event
	by      string
}

func (s *Store) write(ctx context.Context, tx pgx.Tx, q *query.Queries, c change) error {
	if c.was.ID == "" {
		return s.follow(ctx, tx, q, c.was, c.is, c.events, c.by)
	}
	return s.saveIncident(ctx, tx, q, c.was, c.is, c.events, c.by)
}

// takeGroup counts a group at its incident, whose row it locks, and says what is to be written of it.
func (s *Store) takeGroup(ctx context.Context, tx pgx.Tx, q *query.Queries, g incident.Gathered, rules incident.Rules, receipt *incident.Receipt) ([]change, error) {
	for _, c := range g.Alerts {
		receipt.Firing += c.Fired
		receipt.Recovered += c.Ended
	}
	was, opening, err := s.incidentFor(ctx, tx, q, g, rules)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, strays(ctx, tx, g, receipt)
	}
	if err != nil {
		return nil, err
	}
	news, fresh, err := count(ctx, tx, was.ID, g)
	if err != nil {
		return nil, err
	}
	receipt.New += fresh
	totals, err := q.CountAlerts(ctx, was.ID)
	if err != nil {
		return nil, err
	}
	news.LeftOut = g.LeftOut()
	news.Firing, news.Known = int(totals.Firing), int(totals.Known)
	is, now := was, s.now()
	events := append(is.Report(news, g.Source, now), is.Worsen(g, now)...)
	var changes []change
	switch {
	case len(opening) > 0:
		changes = append(changes, change{is: was, events: opening, by: was.Source})
		receipt.Opened = append(receipt.Opened, is.ID)
	case g.Fires() && !is.State.Active():
		e, err := is.Reopen(g.Source, g.Title, now)
		if err != nil {
			return nil, err
		}
		events = append([]incident.Event{e}, events...)
		receipt.Reopened = append(receipt.Reopened, is.ID)
	default:
		receipt.Touched = append(receipt.Touched, is.ID)
	}
	rules.Arm(&is)
	return append(changes, change{was: was, is: is, events: events, by: g.Source}), nil
}

// incidentFor locks the incident that a group belongs to, and makes the row of one when its alerts fire and there is none; opening are the events
// that are then to be written. pgx.ErrNoRows when they do not fire and there is none.
func (s *Store) incidentFor(ctx context.Context, tx pgx.Tx, q *query.Queries, g incident.Gathered, rules incident.Rules) (i incident.Incident, opening []incident.Event, err error) {
	const tries = 5 // whoever loses against another bot finds that one's incident; it may be resolved again by then, but not for ever
	for range tries {
		body, err := q.LockIncidentForAlerts(ctx, query.LockIncidentForAlertsParams{Key: g.Key, AnyState: !g.Fires(), ResolvedAfter: moment(s.now().Add(-rules.Flapping))})
		if err == nil {
			return i, nil, json.Unmarshal(body, &i)
		}
		if !errors.Is(err, pgx.ErrNoRows) || !g.Fires() {
			return i, nil, err
		}
		made, first := rules.Open(g)
		rules.Arm(&made)
		inserted, err := s.insertRow(ctx, q, "", made, card.Address{})
		if err != nil || inserted {
			return made, []incident.Event{first}, err
		}
	}
	return i, nil, errors.New("an incident for these alerts comes and goes")
}

func count(ctx context.Context, tx pgx.Tx, id string, g incident.Gathered) (news incident.News, fresh int, err error) {
	n := len(g.Alerts)
	fingerprints, sources, names, statuses, alerts := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	fired, ended := make([]int64, n), make([]int64, n)
	for k, c := range g.Alerts {
		raw, err := json.Marshal(c.Alert)
		if err != nil {
			return news, 0, err
		}
		fingerprints[k], sources[k], names[k], statuses[k], alerts[k] = c.Fingerprint, c.Source, c.Name(), string(c.Status), string(raw)
		fired[k], ended[k] = int64(c.Fired), int64(c.Ended)
	}
	rows, err := tx.Query(ctx, upsertAlerts, id, fingerprints, sources, names, statuses, fired, ended, alerts)
	if err != nil {
		return news, 0, err
	}
	var name, now, before string
	var firedNow int64
	_, err = pgx.ForEachRow(rows, []any{&name, &now, &firedNow, &before}, func() error {
		firing, recovered := string(incident.Firing), string(incident.Recovered)
		if before == "" && firedNow > 0 {
			fresh++
		}
		switch {
		case before == "" && now == firing:
			news.New = append(news.New, name)
		case before == recovered && now == firing:
			news.Again = append(news.Again, name)
		case now == recovered && (before == firing || before == "" && firedNow > 0):
			news.Ended = append(news.Ended, name)
		}
		return nil
	})
	return news, fresh, err
}

func strays(ctx context.Context, tx pgx.Tx, g incident.Gathered, receipt *incident.Receipt) error {
	var fingerprints, sources, names []string
	var received []int64
	for _, c := range g.Alerts {
		fingerprints, sources, names = append(fingerprints, c.Fingerprint), append(sources, c.Source), append(names, c.Name())
		received = append(received, int64(c.Fired+c.Ended))
		receipt.Strays += c.Fired + c.Ended
	}
	_, err := tx.Exec(ctx, upsertStrays, fingerprints, sources, names, received)
	return err
}

// AlertsOf counts the alerts of an incident.
func (s *Store) AlertsOf(ctx context.Context, id string) (incident.Count, error) {
	var out incident.Count
	err := s.do(ctx, "count the alerts of "+id, func(ctx context.Context, q *query.Queries) error {
		row, err := q.CountAlerts(ctx, id)
		out = incident.Count{Known: int(row.Known), Firing: int(row.Firing), Received: row.Received}
		return err
	})
	return out, err
}

// Strays counts the deliveries of alerts that belong to no incident.
func (s *Store) Strays(ctx context.Context) (n int64, err error) {
	err = s.do(ctx, "count stray alerts", func(ctx context.Context, q *query.Queries) error {
		n, err = q.CountStrays(ctx)
		return err
	})
	return n, err
}
