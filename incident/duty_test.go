package incident_test

import (
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/incident"
)

func TestADutyOfTheNewestCallIsTickedOnce(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	i := incident.Incident{ID: "I-7K3MQX", State: incident.Open, Climb: incident.Climb{Round: 2, Rungs: []incident.Rung{
		{Round: 1, Level: 1, Duties: []string{"Follow the runbook", "Tell the others"}}, {Round: 2, Level: 1, Duties: []string{"Follow the runbook", "Tell the others"}}, {Round: 2, People: []string{"bob"}},
	}}}
	before := i.Climb.Rungs
	for _, step := range []struct {
		level, duty int
		done        bool
		want        string // of the event, or of the refusal when refused
		refused     bool
	}{
		{1, 2, true, "Done: Tell the others (a duty of level 1)", false},
		{1, 2, true, "alice did that at 12:00 UTC already", true},
		{1, 1, false, "Nobody has ticked that", true},
		{1, 3, true, "has 2 duties, not a number 3", true},
		{1, 0, true, "not a number 0", true},
		{2, 1, true, "Level 2 of I-7K3MQX was not called", true},
		{0, 1, true, "Level 0 of I-7K3MQX was not called", true},
		{1, 2, false, "Not done yet: Tell the others", false},
		{1, 2, true, "Done: Tell the others", false},
	} {
		e, err := i.Tick(step.level, step.duty, step.done, "alice", now)
		got := e.Text.String()
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, step.want) || (err != nil) != step.refused {
			t.Errorf("level %d, duty %d, done %t: got %q, %v", step.level, step.duty, step.done, got, err)
		}
	}
	old, called := i.Climb.Rungs[0], i.Climb.Rungs[1]
	if tick, ok := called.Ticked(2); !ok || tick.By != "alice" || !tick.At.Equal(now) || called.Marked != 3 || len(old.Ticks) > 0 || i.Active != now {
		t.Errorf("got %+v, before it %+v, active %s", called, old, i.Active)
	}
	if i.Climb.Counts(old) || !i.Climb.Counts(called) || len(before[1].Ticks) > 0 {
		t.Errorf("the earlier call counts, or what was read before was written to: %+v", before)
	}
	i.State = incident.Closed
	if _, err := i.Tick(1, 1, true, "alice", now); err == nil {
		t.Error("a closed incident takes a tick")
	}
}
