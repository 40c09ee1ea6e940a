package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func opened(t *testing.T, b *testBundle) checklist.Checklist {
	t.Helper()
	c, err := b.OpenChecklist(t.Context(), "k1", checklist.Checklist{ID: "C-234567", Runbook: "service-down", Service: "backend", Source: "# Ünï\n", OpenedBy: "alice", OpenedAt: b.clock.now()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAChecklistOpenedTwiceWithOneKeyIsTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := opened(t, b)
	again, err := b.OpenChecklist(t.Context(), "k1", checklist.Checklist{ID: "C-999999", Runbook: "service-down", Service: "backend", Source: "other"})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := b.Checklist(t.Context(), "C-234567")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]checklist.Checklist{"again": again, "stored": stored} {
		if diff := cmp.Diff(first, c, cmp.Comparer(func(a, b redact.Text) bool { return a == b })); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if n := count(t, b.url, "select count(*) from checklists"); n != 1 {
		t.Errorf("%d checklists are stored", n)
	}
	if _, err := b.Checklist(t.Context(), "C-NOBODY"); !errors.Is(err, approval.ErrNotFound) {
		t.Errorf("an unknown one: %v", err)
	}
}

func TestOfManyClicksAtOnceOneClaimsTheStep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	opened(t, b)
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = b.ChangeChecklist(t.Context(), "C-234567", "alice", func(c *checklist.Checklist) error {
				return c.Claim(3, fmt.Sprint("click", i), "alice", b.clock.now())
			})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, checklist.ErrBusy):
			t.Errorf("refused with %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d clicks have the step", won)
	}
}

func TestChangesOfAChecklistAreKeptAndAudited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	opened(t, b)
	now := b.clock.now()
	_, err := b.ChangeChecklist(t.Context(), "C-234567", "bob", func(c *checklist.Checklist) error {
		c.Fill(map[string]string{"desired-count": "5"})
		c.Stand(1, card.Address{Kind: "slack", Channel: "C1", Message: "1.2"})
		return c.Tick(4, checklist.Done, "bob", now)
	})
	if err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("no")
	if _, err := b.ChangeChecklist(t.Context(), "C-234567", "bob", func(c *checklist.Checklist) error {
		c.Fill(map[string]string{"desired-count": "6"})
		return refusal
	}); !errors.Is(err, refusal) {
		t.Errorf("the refusal became %v", err)
	}
	c, err := b.Checklist(t.Context(), "C-234567")
	if err != nil {
		t.Fatal(err)
	}
	if c.Values["desired-count"] != "5" || c.Places[1].Message != "1.2" || c.Steps[4].State != checklist.Done || c.Steps[4].By != "bob" || c.Version != 2 {
		t.Errorf("stored: %+v", c)
	}
	tail, err := b.AuditTail(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(tail[0].Data, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"checklist": "C-234567", "filled": []any{"desired-count"}, "steps": []any{map[string]any{"step": 4.0, "to": "done", "by": "bob"}}}
	if diff := cmp.Diff(want, got); diff != "" || tail[0].Kind != "checklist" || tail[0].Actor != "bob" {
		t.Errorf("%s by %s: %s", tail[0].Kind, tail[0].Actor, diff)
	}
}

func TestReportsAndRequestsOfSteps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	opened(t, b)
	ctx := t.Context()
	if _, err := b.Report(ctx, "C-234567", 3); !errors.Is(err, approval.ErrNotFound) {
		t.Errorf("no report: %v", err)
	}
	if _, err := b.FollowRequest(ctx, "C-234567", 3, "ask:x"); !errors.Is(err, approval.ErrNotFound) {
		t.Errorf("no request: %v", err)
	}
	r := request(t, "R-234567", b.clock.now())
	if _, err := b.Propose(ctx, "ask:x", r, card.Address{}, time.Minute); err != nil {
		t.Fatal(err)
	}
	id, err := b.FollowRequest(ctx, "C-234567", 3, "ask:x")
	if err != nil || id != r.ID {
		t.Fatalf("followed %q, %v", id, err)
	}
	for _, line := range []string{"first", "second"} {
		if err := b.SaveReport(ctx, "C-234567", 3, finding.Report{Finding: finding.Finding{Check: "pods", Status: finding.Warn, Line: redact.F("%s", line)}, Raw: redact.F("raw\x00")}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.Report(ctx, "C-234567", 3)
	if err != nil || got.Finding.Line.String() != "second" || got.Finding.Status != finding.Warn {
		t.Errorf("report %+v, %v", got, err)
	}
	list, step, err := b.Following(ctx, r.ID)
	if err != nil || list != "C-234567" || step != 3 {
		t.Errorf("%s is followed by %s %d, %v", r.ID, list, step, err)
	}
	if _, _, err := b.Following(ctx, "R-999999"); !errors.Is(err, approval.ErrNotFound) {
		t.Errorf("followed by none: %v", err)
	}
}
