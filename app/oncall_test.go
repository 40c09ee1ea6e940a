package app

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/integrations/call"
	"github.com/svcdown/svcdown/integrations/pagerduty"
)

func TestShiftsAreRememberedBrieflyAndASilentPagerDutyIsWaitedForOnce(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	var asked []pagerduty.Rota
	var fails error
	s := newShifts(func(_ context.Context, r pagerduty.Rota) ([]pagerduty.OnCall, error) {
		asked = append(asked, r)
		return []pagerduty.OnCall{{Name: "Alice", Email: "alice@example.com"}}, fails
	}, func() time.Time { return now })
	ask := func(r catalog.Rota) ([]handlers.Shift, error) { return s.OnCall(t.Context(), r) }
	schedule, policy := catalog.Rota{Schedule: "PI7DH85"}, catalog.Rota{Policy: "PT20YPA"}
	for range 3 {
		got, err := ask(schedule)
		if diff := cmp.Diff([]handlers.Shift{{Name: "Alice", Email: "alice@example.com"}}, got); diff != "" || err != nil {
			t.Fatalf("on call (-want +got):\n%s%v", diff, err)
		}
	}
	now = now.Add(shiftsFresh)
	fails = &call.Error{System: "PagerDuty", Again: true}
	for _, r := range []catalog.Rota{schedule, policy, schedule} {
		if got, err := ask(r); !errors.Is(err, fails) || got != nil {
			t.Errorf("got %v, %v, want to hear that nobody knows", got, err)
		}
	}
	now = now.Add(shiftsRest)
	fails = &call.Error{System: "PagerDuty", Status: 404} // wrong for this schedule, and no word about others
	if _, err := ask(schedule); !errors.Is(err, fails) {
		t.Errorf("got %v", err)
	}
	fails = nil
	if _, err := ask(policy); err != nil {
		t.Errorf("got %v", err)
	}
	want := []pagerduty.Rota{{Schedule: "PI7DH85"}, {Schedule: "PI7DH85"}, {Schedule: "PI7DH85"}, {Policy: "PT20YPA", Level: 1}}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestWhoLeavesWithoutTheAnswerIsNoFailureOfPagerDuty(t *testing.T) {
	t.Parallel()
	asked, answers := make(chan context.Context, 2), make(chan struct{})
	s := newShifts(func(ctx context.Context, _ pagerduty.Rota) ([]pagerduty.OnCall, error) {
		asked <- ctx
		select {
		case <-answers:
			return []pagerduty.OnCall{{Name: "Alice"}}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}, func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) })
	schedule := catalog.Rota{Schedule: "PI7DH85"}
	leaving, leave := context.WithCancel(t.Context())
	left := make(chan error)
	for range 2 { // the second one waits for the question of the first
		go func() {
			_, err := s.OnCall(leaving, schedule)
			left <- err
		}()
	}
	question := <-asked
	leave()
	for range 2 {
		select {
		case err := <-left:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("who left got %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("who left still waits for PagerDuty")
		}
	}
	if err := question.Err(); err != nil {
		t.Errorf("the question ended with its asker: %v", err)
	}
	close(answers)
	got, err := s.OnCall(t.Context(), schedule)
	if diff := cmp.Diff([]handlers.Shift{{Name: "Alice"}}, got); diff != "" || err != nil {
		t.Errorf("who asks next got (-want +got):\n%s%v", diff, err)
	}
}
