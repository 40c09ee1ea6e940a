package handlers_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/incident"
)

func TestWhoPutsAMessageOnTheTimelineIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		by, channel, text, says string
		state                   card.State
		silent                  bool
	}{
		"a message":                        {by: "alice", text: "it began at 14:02", says: "stands on the timeline of I-", state: card.OK},
		"a message that cannot be read":    {by: "alice", says: "no text that I can read", state: card.Refused},
		"not in an incident's channel":     {by: "alice", channel: "CGENERAL", text: "x", says: "not the channel of an incident", state: card.Refused},
		"by somebody who is nobody":        {by: "stranger", text: "x", says: "I do not know you", state: card.Refused},
		"a pushpin, which is no question":  {by: "alice", text: "x", silent: true},
		"a pushpin where there is nothing": {by: "alice", channel: "CGENERAL", text: "x", silent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupIncidents(t)
			i := b.opened(t)
			channel := i.Room
			if c.channel != "" {
				channel = c.channel
			}
			pin := handlers.Pin{By: slack(c.by), Author: slack("alice"), Channel: channel, TS: "1795478400.000100", Text: c.text}
			if !c.silent {
				pin.Where = card.Address{Kind: "slack", Team: team, Channel: pin.Channel, User: slack(c.by).User}
			}
			before := len(b.chat.all())
			if err := b.TakePin(t.Context(), pin); err != nil {
				t.Fatal(err)
			}
			said := b.chat.all()[before:]
			if c.silent {
				if len(said) != 0 {
					t.Errorf("said %+v", said)
				}
				return
			}
			if len(said) != 1 || said[0].op != "whisper" || said[0].card.State != c.state || !strings.Contains(said[0].card.Verdict.String(), c.says) {
				t.Errorf("said %+v, want %q", said, c.says)
			}
		})
	}
}

func TestRequestsWriteTheTimelineOnce(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	r := b.approved(t)
	for range 3 {
		if err := b.Announce(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	events, err := b.store.Timeline(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		if e.Kind == incident.KindRequest || e.Kind == incident.KindApproval || e.Kind == incident.KindChange {
			got = append(got, e.By+" "+e.Text.String())
		}
	}
	want := []string{"alice asks to restart backend (" + r.ID + ")", "bob approves " + r.ID + ", which had waited 0 s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
}

func TestAlertsOfOthersAreKeptCleanAndBounded(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	receipt, err := b.TakeAlerts(t.Context(), []incident.Alert{{
		Fingerprint: "f1\x00", Status: incident.Firing, Service: "be", Source: "alertmanager", Severity: 9,
		Labels: map[string]string{"alertname": "ServiceDown\xff", "token": "ghp_abcdefghijklmnopqrstuvwxyz0123456789"},
		Annotations: map[string]string{"summary": "postgres://app:hunter2hunter2@db/shop is away", "long": strings.Repeat("x", 1<<20),
			"cut": strings.Repeat("word ", 398) + "ghp_abcdefghijklmnopqrstuvwxyz0123456789"},
	}})
	if err != nil || len(receipt.Opened) != 1 {
		t.Fatalf("%+v, %v", receipt, err)
	}
	i := b.get(t, receipt.Opened[0])
	if i.Service != "backend" || i.Severity != 2 || strings.Contains(i.Title.String(), "hunter2") {
		t.Errorf("got %+v", i)
	}
	db, err := pgx.Connect(t.Context(), b.url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	var kept string
	if err := db.QueryRow(t.Context(), "select alert::text from incident_alerts").Scan(&kept); err != nil {
		t.Fatal(err)
	}
	if len(kept) > 10_000 || strings.Contains(kept, "hunter2") || strings.Contains(kept, "ghp_abc") {
		t.Errorf("%d bytes are kept: %.500s", len(kept), kept)
	}
	if receipt, err := b.TakeAlerts(t.Context(), nil); err != nil || !cmp.Equal(receipt, incident.Receipt{}) {
		t.Errorf("no alerts: %+v, %v", receipt, err)
	}
}
