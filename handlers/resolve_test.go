package handlers_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// withBook gives the desk the shipped runbook, whose restoration section asks two addresses, and a runner of its steps.
func (b *incidents) withBook(t *testing.T) *asked {
	t.Helper()
	book, err := os.ReadFile("../runbooks/service-down.md")
	if err != nil {
		t.Fatal(err)
	}
	a := &asked{answers: map[string]func(context.Context) finding.Report{}}
	b.Config.Checks = a
	b.Config.Runbooks = library(t, map[string]string{"service-down.md": string(book)}, "")
	return a
}

func TestResolveIsAsStrictAsVerify(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	a := b.withBook(t)
	i := b.opened(t)
	// The status is green; only the runbook's own steps are not.
	a.answers["http probe"] = answered(finding.Finding{Status: finding.Unknown, Line: redact.Const("not asked at all")})
	said := b.chatAt(t, i.Room, "alice", "resolve")
	if !strings.Contains(said.Verdict.String(), "Not resolved yet: backend is not proven to be restored") || !strings.Contains(lines(said), "not asked at all") {
		t.Errorf("said %q\n%s", said.Verdict, lines(said))
	}
	if len(said.Buttons) != 2 || said.Buttons[1].Confirm == nil || said.Buttons[1].Value != i.ID+" anyway" {
		t.Errorf("asks with %+v", said.Buttons)
	}
	if got := b.get(t, i.ID); got.State != incident.Open {
		t.Fatalf("it is %s", got.State)
	}
	delete(a.answers, "http probe")
	b.inRoom(t, i, "alice", "resolve")
	if got := b.get(t, i.ID); got.State != incident.Resolved || !strings.Contains(got.Verdict.String(), "backend is restored: all") {
		t.Errorf("it is %s: %s", got.State, got.Verdict)
	}
	if said := b.chatAt(t, "COPS", "alice", "resolve "+i.ID); !strings.Contains(said.Verdict.String(), "is resolved already") {
		t.Errorf("said %q", said.Verdict)
	}
}

func TestAnIncidentOfNoServiceIsResolvedAfterAQuestion(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	stray, first := incident.New("I-STRAY2", "alert:Disk", "", redact.Const("a disk is full"), 2, "alertmanager", b.now())
	if _, _, err := b.store.OpenIncident(t.Context(), "", stray, first, card.Address{}); err != nil {
		t.Fatal(err)
	}
	if said := b.chatAt(t, "COPS", "alice", "resolve I-STRAY2"); !strings.Contains(said.Verdict.String(), "Not resolved yet: what is affected is in no catalogue") {
		t.Errorf("said %q", said.Verdict)
	}
	b.at(t, "COPS", "alice", "resolve I-STRAY2 anyway")
	if got := b.get(t, "I-STRAY2"); got.State != incident.Resolved {
		t.Errorf("it is %s", got.State)
	}
}

func TestMitigatedIsWhenTheFixingChangeVerified(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	r := b.applied(t)
	if err := b.Watch(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	r = b.rows.get(t, r.ID)
	if r.State != approval.Succeeded {
		t.Fatalf("%s is %s", r.ID, r.State)
	}
	for range 2 {
		if err := b.Announce(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	b.wait(20 * time.Minute)
	b.inRoom(t, i, "alice", "resolve")
	got := b.get(t, i.ID)
	if !got.Times.Mitigated.Equal(r.DecidedAt) || got.Fix != r.ID || got.Times.Resolved.Sub(got.Times.Mitigated) < 20*time.Minute {
		t.Errorf("mitigated %s by %q, resolved %s; %s verified %s", got.Times.Mitigated, got.Fix, got.Times.Resolved, r.ID, r.DecidedAt)
	}
}

// chatAt lets somebody type in a channel and returns the last card that was said.
func (b *incidents) chatAt(t *testing.T, channel, name, text string) card.Card {
	t.Helper()
	b.at(t, channel, name, text)
	all := b.chat.all()
	return all[len(all)-1].card
}

// lines are a card's findings in words.
func lines(c card.Card) string {
	var out strings.Builder
	for _, p := range c.Parts {
		for _, f := range p.Findings {
			out.WriteString(f.Line.String() + "\n")
		}
	}
	return out.String()
}
