package checklist_test

import (
	"errors"
	"testing"
	"time"

	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/redact"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// at makes a checklist whose step 1 stands like this.
func at(s checklist.Step) *checklist.Checklist {
	return &checklist.Checklist{Steps: map[int]checklist.Step{1: s}}
}

func TestWhoMayHaveAStep(t *testing.T) {
	t.Parallel()
	running := checklist.Step{State: checklist.Running, Claim: "mine", Until: noon.Add(time.Minute)}
	for name, c := range map[string]struct {
		step checklist.Step
		do   func(*checklist.Checklist) error
		want error
	}{
		"an untouched step is claimed":                      {checklist.Step{}, claim("mine", noon), nil},
		"a check that was run is run again":                 {checklist.Step{State: checklist.OK, Claim: "old"}, claim("mine", noon), nil},
		"a running step is somebody's":                      {running, claim("other", noon), checklist.ErrBusy},
		"its own delivery goes on after a crash":            {running, claim("mine", noon), nil},
		"a claim that lapsed is taken over":                 {running, claim("other", noon.Add(2*time.Minute)), nil},
		"a redelivery of what was done does nothing":        {checklist.Step{State: checklist.Fail, Claim: "mine"}, claim("mine", noon), checklist.ErrAgain},
		"a step that waits for approval is not asked again": {checklist.Step{State: checklist.Waiting}, claim("mine", noon), checklist.ErrBusy},
		"what happens once does not happen again":           {checklist.Step{State: checklist.Done, Claim: "old"}, once("mine"), checklist.ErrOver},
		"what was skipped can still be done":                {checklist.Step{State: checklist.Skipped}, once("mine"), nil},
		"a tick twice is one":                               {checklist.Step{State: checklist.Done}, tick, checklist.ErrOver},
		"a tick on a running step waits":                    {running, tick, checklist.ErrBusy},
		"a tick on a refused request's step is one":         {checklist.Step{Request: "R-1"}, tick, nil},
		"a tick is taken back":                              {checklist.Step{State: checklist.Done}, reopen, nil},
		"what svcdown did is not taken back by a tick":      {checklist.Step{State: checklist.Done, Ours: true}, reopen, checklist.ErrOver},
		"what is open cannot be opened":                     {checklist.Step{}, reopen, checklist.ErrOver},
		"the end of a lost claim is dropped":                {running, end("other"), checklist.ErrLost},
		"the end of a claim counts":                         {running, end("mine"), nil},
		"an end after the end is dropped":                   {checklist.Step{State: checklist.OK, Claim: "mine"}, end("mine"), checklist.ErrLost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := at(c.step)
			if err := c.do(list); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if c.want != nil && list.Steps[1] != c.step {
				t.Errorf("a refusal changed the step to %+v", list.Steps[1])
			}
		})
	}
}

func claim(key string, now time.Time) func(*checklist.Checklist) error {
	return func(c *checklist.Checklist) error { return c.Claim(1, key, "alice", now) }
}

func once(key string) func(*checklist.Checklist) error {
	return func(c *checklist.Checklist) error { return c.Once(1, key, "alice", noon) }
}

func end(key string) func(*checklist.Checklist) error {
	return func(c *checklist.Checklist) error {
		return c.End(1, key, checklist.OK, redact.Const("fine"), true, noon)
	}
}

func tick(c *checklist.Checklist) error   { return c.Tick(1, checklist.Done, "alice", noon) }
func reopen(c *checklist.Checklist) error { return c.Reopen(1, "alice", noon) }

func TestOnlyTheRequestThatAStepFollowsMovesIt(t *testing.T) {
	t.Parallel()
	c := at(checklist.Step{State: checklist.Waiting, Request: "R-2"})
	c.Follow(1, "R-1", checklist.Done, redact.Const("old"), noon)
	if c.Steps[1].State != checklist.Waiting {
		t.Error("an earlier request moved the step")
	}
	c.Follow(1, "R-2", checklist.Done, redact.Const("new"), noon)
	if c.Steps[1].State != checklist.Done {
		t.Error("its request did not move the step")
	}
}

func TestAskingAgainAfterACrashIsTheSameRequest(t *testing.T) {
	t.Parallel()
	c := &checklist.Checklist{}
	for _, step := range []struct {
		key  string
		want int
	}{{"k1", 1}, {"k1", 1}, {"k2", 2}} {
		if step.key == "k2" { // the first request was denied
			if err := c.End(1, "k1", checklist.Open, redact.Text{}, false, noon); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Ask(1, step.key, "alice", noon); err != nil {
			t.Fatal(err)
		}
		if got := c.Steps[1].Asked; got != step.want {
			t.Errorf("after %s it was asked %d times, want %d", step.key, got, step.want)
		}
	}
}
