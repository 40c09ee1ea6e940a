package handlers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// crashingSince3 is a status of pods that crash since rollout 3, with revision 2 to go back to.
func crashingSince3(func(finding.Finding)) []finding.Finding {
	return checks(
		finding.Finding{Check: "pods", Status: finding.Fail, Line: redact.Const("2 of 3 pods crash"), Signals: []finding.Signal{{Kind: finding.CrashLoop, Count: 2, Of: 3, Revision: 3}}},
		finding.Finding{Check: "rollout", Status: finding.OK, Signals: []finding.Signal{{Kind: finding.RecentRollout, Revision: 3},
			{Kind: finding.EarlierRevision, Revision: 2, Detail: redact.Const("backend 2.8.0")}}})
}

func TestARollbackIsOfferedByRevisionAndImageAndLeadsThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cluster.findings = crashingSince3
	b.says(t, "alice", "status backend")
	first := b.chat.all()[0].card.Buttons[0]
	if got := first.Label.String(); got != "Roll back to revision 2 (backend 2.8.0)…" {
		t.Errorf("the button says %q", got)
	}
	// A click is its verb with its value. Once somebody has gone back, revision 2 is gone, and the button must lead nowhere else.
	b.says(t, "alice", first.Verb+" "+first.Value)
	if got := b.cluster.planned(); len(got) != 1 || got[0] != "rollback backend 2" {
		t.Errorf("planned %q", got)
	}
}

func TestARequestSaysWhomItWaitsForAndOnceUntilWhen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, _ := b.cluster.plan()
	p.Action, p.To = catalog.Rollback, redact.Const("revision 2 (backend 2.8.0)")
	b.cluster.plan = func() (plan.Plan, error) { return p, nil }
	b.says(t, "alice", "rollback backend")
	r := b.rows.get(t, b.rows.order[0])
	if err := b.Announce(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	c := b.card(t, r.ID)
	if got, want := c.Verdict.String(), "alice asks to roll back backend to revision 2 (backend 2.8.0): waiting for @bob or @carol"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := strings.Count(words(c), "12:15"); n != 1 {
		t.Errorf("the card says %d times when it expires:\n%s", n, words(c))
	}
	if confirm := c.Buttons[0].Confirm; confirm == nil || !strings.Contains(confirm.Body.String(), "revision 2 (backend 2.8.0)") {
		t.Errorf("who approves is asked %+v", confirm)
	}
	b.wait(112 * time.Second)
	b.says(t, "bob", "approve "+r.ID)
	if err := b.Announce(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if got := words(b.card(t, r.ID)); !strings.Contains(got, "Approved by bob at 12:01 UTC, after 1 min 52 s") {
		t.Errorf("got\n%s", got)
	}
}

func TestAnUnreadyPodOfAStatefulSetIsOfferedToBeDeletedNotRestarted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.catalog.Services[0].Workload = catalog.Workload{Kind: "StatefulSet", Name: "backend"}
	b.cluster.findings = func(func(finding.Finding)) []finding.Finding {
		return checks(finding.Finding{Check: "pods", Status: finding.Fail, Line: redact.Const("1 of 3 pods is not ready"),
			Signals: []finding.Signal{{Kind: finding.NotReady, Object: "Pod/backend-1", Count: 1, Of: 3}}})
	}
	b.says(t, "alice", "status backend")
	buttons := b.chat.all()[0].card.Buttons
	if first := buttons[0]; first.Label.String() != "Delete pod backend-1…" || first.Verb != "delete-pod" || first.Value != "backend backend-1" {
		t.Errorf("got %+v first", first)
	}
	for _, button := range buttons {
		if button.Verb == "restart" {
			t.Error("a restart is offered, which would only wait for that pod")
		}
	}
}

func TestARequestSaysWhatItCanHurtAndHowManyHaveAgreed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, _ := b.cluster.plan()
	p.Blast = plan.Blast{Ready: 1, Desired: 3, LastHealthy: true, PDBBlocked: []string{"backend-pdb"}, HPA: "backend-hpa 2–6", EmptyDir: []string{"tmp"}, GitOps: "Argo CD application shop"}
	b.cluster.plan = func() (plan.Plan, error) { return p, nil }
	b.says(t, "alice", "restart backend")
	r := b.rows.get(t, b.rows.order[0])
	if err := b.Announce(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if lack := lacks(words(b.card(t, r.ID)), "Agreed: 0 of 1", "1 of 3 replicas are ready", "last healthy replica", "PodDisruptionBudget backend-pdb allows no disruption now",
		"HPA backend-hpa 2–6", "emptyDir tmp loses its content", "Argo CD application shop may revert it"); lack != nil {
		t.Errorf("the card lacks %q:\n%s", lack, words(b.card(t, r.ID)))
	}
}

// card is the request's card as it stands now.
func (b *testBundle) card(t *testing.T, id string) card.Card {
	t.Helper()
	all := b.chat.all()
	for i := range all {
		if m := all[len(all)-1-i]; (m.op == "say" || m.op == "update") && strings.HasSuffix(m.card.Title.String(), "· "+id) && len(m.card.Parts) > 0 {
			return m.card
		}
	}
	t.Fatalf("no card of %s", id)
	return card.Card{}
}

// words is all that a card says.
func words(c card.Card) string {
	lines := []string{c.Title.String(), c.Verdict.String()}
	for _, p := range c.Parts {
		lines = append(lines, p.Text.String())
		for _, f := range p.Facts {
			lines = append(lines, f.Label.String()+": "+f.Value.String())
		}
		for _, f := range p.Findings {
			lines = append(lines, f.Name()+" "+f.Line.String())
		}
	}
	for _, n := range c.Notes {
		lines = append(lines, n.String())
	}
	return strings.Join(lines, "\n")
}
