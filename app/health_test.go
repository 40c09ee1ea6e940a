package app

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/store"
)

// says answers every probe with what it is told.
type says struct{ status finding.Status }

func (s *says) Certificate(context.Context, string) (finding.Certificate, bool) {
	return finding.Certificate{}, false
}

func (s *says) Probe(context.Context, string) finding.Finding {
	return finding.Finding{Check: "health", Status: s.status, Line: redact.Const("api/health answers 503")}
}

// forgetful fails to keep what was seen, as a bot does that dies just before.
type forgetful struct {
	*store.Store
	forgets bool
}

func (f *forgetful) SaveWatched(ctx context.Context, url string, w incident.Watched) error {
	if f.forgets {
		return errors.New("killed")
	}
	return f.Store.SaveWatched(ctx, url, w)
}

func TestAHealthURLThatFailsLongEnoughOpensAnIncident(t *testing.T) {
	t.Parallel()
	url := stormDatabase(t)
	st, err := store.Open(t.Context(), store.Config{URL: url, Log: zerolog.Nop(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Stop(context.Background()) })
	cat := &catalog.Catalog{
		Services:  []catalog.Service{{Name: "backend", Health: []string{"http://api/health"}}},
		Probes:    catalog.Probes{Watch: &catalog.ProbeWatch{Every: time.Nanosecond, Failures: 2, Of: 3}},
		Incidents: catalog.Incidents{Severity: 2, Flapping: time.Hour},
	}
	probe, memory := &says{}, &forgetful{Store: st}
	desk := handlers.NewDesk(handlers.Config{Catalog: func() *catalog.Catalog { return cat }, Incidents: st, Health: memory, Probe: probe, Now: time.Now, Log: zerolog.Nop()})
	for _, step := range []struct {
		what    string
		status  finding.Status
		forgets bool
		want    stormCounts
	}{
		{"one failure", finding.Fail, false, stormCounts{}},
		{"an address that may not be asked", finding.Unknown, false, stormCounts{}},
		{"a slow answer", finding.Warn, false, stormCounts{}},
		{"a second failure, and the bot dies before it has noted that", finding.Fail, true, stormCounts{Incidents: 1, Open: 1, Fingerprints: 1, Delivered: 1, Firing: 1}},
		{"the same by the next bot", finding.Fail, false, stormCounts{Incidents: 1, Open: 1, Fingerprints: 1, Delivered: 2, Firing: 1}},
		{"still failing", finding.Fail, false, stormCounts{Incidents: 1, Open: 1, Fingerprints: 1, Delivered: 2, Firing: 1}},
		{"well again", finding.OK, false, stormCounts{Incidents: 1, Open: 1, Fingerprints: 1, Delivered: 2, Firing: 1}},
		{"well for long enough", finding.OK, false, stormCounts{Incidents: 1, Open: 1, Fingerprints: 1, Delivered: 3}},
	} {
		probe.status, memory.forgets = step.status, step.forgets
		if err := desk.WatchHealth(t.Context()); (err != nil) != step.forgets {
			t.Errorf("%s: got %v", step.what, err)
		}
		if diff := cmp.Diff(step.want, count(t, url)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.what, diff)
		}
	}
}
