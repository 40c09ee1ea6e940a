package catalog_test

import (
	"testing"
	"time"

	"github.com/svcdown/svcdown/catalog"
)

func TestOnCallChangesWeeklyByLocalTime(t *testing.T) {
	t.Parallel()
	c := load(t, "testdata/good/oncall.yaml")
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, berlin)
	}
	cases := map[string]struct {
		at       time.Time
		want     string
		override bool
	}{
		"the first of the list begins":                     {at(10, 19, 9, 0), "alice", false},
		"a minute before the handover":                     {at(10, 26, 8, 59), "alice", false},
		"the handover, also in the week the clocks change": {at(10, 26, 9, 0), "bob", false},
		"round again":                        {at(11, 2, 9, 0), "alice", false},
		"before the start the turns go back": {at(10, 19, 8, 59), "bob", false},
		"long before the start":              {at(10, 5, 9, 0), "alice", false},
		"a stand-in":                         {at(11, 24, 20, 0), "bob", true},
		"a stand-in's end is not theirs":     {at(11, 25, 8, 0), "bob", false},
		"another zone means the same moment": {at(11, 24, 19, 59).UTC(), "bob", false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := c.OnCall("on-call", tc.at)
			if !ok || got.Person != tc.want || got.Override != tc.override {
				t.Errorf("OnCall at %s = %+v, %v; want %s, override %v", tc.at, got, ok, tc.want, tc.override)
			}
			if tc.at.Before(got.From) || !tc.at.Before(got.Until) {
				t.Errorf("the shift from %s until %s does not hold %s", got.From, got.Until, tc.at)
			}
		})
	}
	if s, ok := c.OnCall("manager", at(11, 24, 12, 0)); ok {
		t.Errorf("a role without a rotation has a shift: %+v", s)
	}
}

func TestTheFirstLadderThatFitsApplies(t *testing.T) {
	t.Parallel()
	c := load(t, "testdata/good/oncall.yaml")
	cases := map[string]struct {
		service  string
		severity int
		want     string
	}{
		"service and severity fit":       {"backend", 1, "worst"},
		"a milder one falls to the next": {"backend", 2, "others"},
		"a service in no catalogue":      {"", 1, "others"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, ok := c.Ladder(tc.service, tc.severity); !ok || got.Name != tc.want {
				t.Errorf("Ladder(%q, %d) = %q, %v; want %q", tc.service, tc.severity, got.Name, ok, tc.want)
			}
		})
	}
	none := &catalog.Catalog{}
	if l, ok := none.Ladder("backend", 1); ok {
		t.Errorf("got a ladder from nothing: %+v", l)
	}
}

func TestIncidentsMayBeLeftOut(t *testing.T) {
	t.Parallel()
	c := load(t, "testdata/good/smallest.yaml")
	if got := c.Incidents; got.Severity != catalog.DefaultSeverity || got.ArchiveAfter != catalog.DefaultArchiveAfter || got.Flapping != catalog.DefaultFlapping || len(got.Private) > 0 {
		t.Errorf("got %+v", got)
	}
	c = load(t, "testdata/good/oncall.yaml")
	if got := c.Ladders[0].Quiet; got != 10*time.Minute {
		t.Errorf("quiet = %s", got)
	}
	if got := c.Ladders[1].Quiet; got != catalog.DefaultQuiet {
		t.Errorf("quiet, left out = %s", got)
	}
}

func TestTheNextShiftIsTheNextTurnOrAStandIn(t *testing.T) {
	t.Parallel()
	c := load(t, "testdata/good/oncall.yaml")
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(month time.Month, day, hour int) time.Time {
		return time.Date(2026, month, day, hour, 0, 0, 0, berlin)
	}
	for name, tc := range map[string]struct {
		person             string
		after, from, until time.Time
	}{
		"after another one's turn": {"bob", at(10, 20, 12), at(10, 26, 9), at(11, 2, 9)},
		"after one's own":          {"alice", at(10, 20, 12), at(11, 2, 9), at(11, 9, 9)},
		"at the very handover":     {"bob", at(10, 26, 9), at(11, 9, 9), at(11, 16, 9)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := c.NextShift("on-call", tc.person, tc.after)
			if !ok || !got.From.Equal(tc.from) || !got.Until.Equal(tc.until) || got.Person != tc.person {
				t.Errorf("got %+v, %v", got, ok)
			}
		})
	}
	swapped := &catalog.Catalog{Rotations: []catalog.Rotation{{Role: "ops", People: []string{"alice"}, Start: "2026-10-19T09:00", Overrides: []catalog.Override{{From: "2026-10-22T09:00", Until: "2026-10-23T09:00", Person: "bob"}}}}}
	utc := func(day, hour int) time.Time { return time.Date(2026, 10, day, hour, 0, 0, 0, time.UTC) }
	if s, ok := swapped.NextShift("ops", "bob", utc(20, 12)); !ok || !s.Override || !s.From.Equal(utc(22, 9)) || !s.Until.Equal(utc(23, 9)) {
		t.Errorf("bob stands in %+v, %v", s, ok)
	}
	if s, ok := swapped.NextShift("ops", "alice", utc(22, 12)); !ok || !s.From.Equal(utc(23, 9)) || !s.Until.Equal(utc(26, 9)) {
		t.Errorf("alice goes on %+v, %v", s, ok)
	}
	if s, ok := c.NextShift("on-call", "nobody", at(10, 20, 12)); ok {
		t.Errorf("nobody has a shift: %+v", s)
	}
}
