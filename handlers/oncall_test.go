package handlers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
)

// shiftsOf answers as another system would.
type shiftsOf func(catalog.Rota) ([]handlers.Shift, error)

func (f shiftsOf) OnCall(_ context.Context, r catalog.Rota) ([]handlers.Shift, error) { return f(r) }

func TestWhoIsCalledComesFromPagerDuty(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name   string
		shifts handlers.Shifts
		people []string
		note   string
	}{
		{"whoever it names is called, by their address", shiftsOf(func(r catalog.Rota) ([]handlers.Shift, error) {
			return []handlers.Shift{{Name: "Dora", Email: "DORA@example.com", Until: until}}, nil
		}), []string{"dora"}, ""},
		{"a stranger beside somebody we know is named", shiftsOf(func(r catalog.Rota) ([]handlers.Shift, error) {
			return []handlers.Shift{{Name: "Eve\nThe end", Email: "eve@example.com"}, {Name: "Dora", Email: "dora@example.com"}}, nil
		}), []string{"dora"}, "PagerDuty names Eve The end, whose e-mail address nobody has"},
		{"strangers alone leave it to the catalogue", shiftsOf(func(r catalog.Rota) ([]handlers.Shift, error) {
			return []handlers.Shift{{Name: "Eve", Email: "eve@example.com"}, {Name: "nobody"}}, nil
		}), []string{"carol"}, "PagerDuty names Eve, nobody, whose e-mail address nobody has in svcdown.yaml, so svcdown.yaml says who is oncall"},
		{"nobody on call leaves it to the catalogue", shiftsOf(func(r catalog.Rota) ([]handlers.Shift, error) { return nil, nil }),
			[]string{"carol"}, "nobody is on call at PagerDuty, so svcdown.yaml says who is oncall"},
		{"while it is away the catalogue's rotation is called, and that is said", shiftsOf(func(r catalog.Rota) ([]handlers.Shift, error) {
			return nil, errors.New("PagerDuty: it answers 503")
		}), []string{"carol"}, "PagerDuty does not say who is on call (PagerDuty: it answers 503), so svcdown.yaml says who is oncall"},
		{"without a key as well", nil, []string{"carol"}, "PagerDuty cannot be asked without PAGERDUTY_API_TOKEN, so svcdown.yaml says who is oncall"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setupIncidents(t)
			for n, p := range b.catalog.People {
				b.catalog.People[n].Email = p.Name + "@example.com"
			}
			b.catalog.Rotations = []catalog.Rotation{{Role: "oncall", People: []string{"carol"}, Start: "2026-11-23T09:00", PagerDuty: &catalog.Rota{Schedule: "PI7DH85"}}}
			b.Shifts = tc.shifts
			i := b.opened(t)
			b.climbs(t, i.ID)
			i = b.get(t, i.ID)
			if diff := cmp.Diff(tc.people, i.Climb.Rungs[0].People); diff != "" {
				t.Errorf("called (-want +got):\n%s", diff)
			}
			// The card of the level, the timeline and `oncall` say it.
			events, err := b.store.Timeline(t.Context(), i.ID)
			if err != nil {
				t.Fatal(err)
			}
			var timeline []string
			for _, e := range events {
				timeline = append(timeline, e.Text.String())
			}
			var shown []string
			for _, m := range b.chat.all() {
				if strings.Contains(m.card.Title.String(), "level 1") {
					for _, p := range m.card.Parts {
						shown = append(shown, p.Text.String())
					}
				}
			}
			listed := b.says(t, "alice", "oncall").Parts[0].Text.String()
			for place, text := range map[string]string{"timeline": strings.Join(timeline, "\n"), "card": strings.Join(shown, "\n"), "oncall": listed} {
				if !strings.Contains(text, tc.note) || tc.note == "" && strings.Contains(text, "PagerDuty") {
					t.Errorf("the %s says %q, want %q", place, text, tc.note)
				}
			}
			if want := "oncall: " + tc.people[0]; !strings.HasPrefix(listed, want) {
				t.Errorf("oncall lists %q, want %q", listed, want)
			}
			// Being on call there is no role here.
			if said := b.says(t, "dora", "restart backend"); tc.people[0] == "dora" && !strings.Contains(said.Verdict.String(), "oncall") {
				t.Errorf("dora was told %q", said.Verdict)
			}
		})
	}
}

func TestAShiftAtPagerDutyStandsOnTheHomeTab(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.catalog.People[3].Email = "dora@example.com"
	b.catalog.Rotations = []catalog.Rotation{{Role: "oncall", PagerDuty: &catalog.Rota{Policy: "PT20YPA"}}}
	b.Shifts = shiftsOf(func(catalog.Rota) ([]handlers.Shift, error) {
		return []handlers.Shift{{Email: "dora@example.com", Until: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)}}, nil
	})
	parts := b.Home(t.Context(), slack("dora")).Parts
	if len(parts) == 0 || parts[len(parts)-1].Text.String() != "You are oncall until Mon 2026-11-30 09:00 UTC." {
		t.Errorf("the home tab has %v", parts)
	}
}

func TestTheNextShiftStandsOnTheHomeTab(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.catalog.Rotations = []catalog.Rotation{{Role: "oncall", People: []string{"alice", "bob"}, Start: "2026-11-23T09:00"}}
	for who, want := range map[string]string{"alice": "You are oncall until Mon 2026-11-30 09:00 UTC.", "bob": "You are oncall next from Mon 2026-11-30 09:00 until Mon 2026-12-07 09:00 UTC."} {
		if got := cardText(b.Home(t.Context(), slack(who))); !strings.Contains(got, want) {
			t.Errorf("%s's home tab: %s", who, got)
		}
	}
}
