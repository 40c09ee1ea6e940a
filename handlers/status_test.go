package handlers_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/redact"
)

func TestButtonsAskFirstWhereNobodyElseWillBeAsked(t *testing.T) {
	t.Parallel()
	for name, none := range map[string]bool{"a second person decides": false, "the click decides": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.cluster.findings = func(func(finding.Finding)) []finding.Finding {
				return checks(finding.Finding{Check: "pods", Status: finding.Fail, Line: redact.Const("2 of 3 pods are not ready")})
			}
			for i := range b.catalog.Policies {
				b.catalog.Policies[i].Approvals.None = none
			}
			b.says(t, "alice", "status backend")
			seen := false
			for _, button := range b.chat.all()[0].card.Buttons {
				if button.Verb == "restart" {
					seen = true
					if asks := button.Confirm != nil; asks != none {
						t.Errorf("asks first: %v, want %v", asks, none)
					}
				}
				if button.Verb == "logs" && button.Confirm != nil {
					t.Error("reading asks first")
				}
			}
			if !seen {
				t.Errorf("no restart on %+v", b.chat.all())
			}
		})
	}
}

func TestTheSameQuestionInTheSamePlaceSharesOneCard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	running, end := make(chan struct{}, 2), make(chan struct{})
	b.cluster.findings = func(func(finding.Finding)) []finding.Finding {
		running <- struct{}{}
		<-end
		return nil
	}
	ask := func(name, channel string) {
		b.Handle(t.Context(), handlers.Incoming{Ref: "REF", From: slack(name), Text: "status backend",
			Where: card.Address{Kind: "slack", Team: team, Channel: channel, User: slack(name).User}})
	}
	var asking sync.WaitGroup
	asking.Go(func() { ask("alice", "COPS") })
	<-running
	before := len(b.chat.all())
	asking.Go(func() { ask("bob", "COPS"); running <- struct{}{} })
	<-running
	if got := b.chat.all()[before:]; len(got) != 1 || got[0].op != "whisper" || !strings.Contains(got[0].card.Verdict.String(), "the card above is for you too") {
		t.Errorf("whoever asks the same was answered %+v, want one word to them alone", got)
	}
	asking.Go(func() { ask("bob", "CELSE") }) // somewhere else nobody sees that card
	<-running
	close(end)
	asking.Wait()
}

func TestWhoeverComesWhileTooManyChecksRunIsToldSo(t *testing.T) {
	t.Parallel()
	const atOnce = 32
	b := setup(t)
	running, end := make(chan struct{}, atOnce), make(chan struct{})
	b.cluster.findings = func(func(finding.Finding)) []finding.Finding {
		running <- struct{}{}
		<-end
		return nil
	}
	ask := func(channel string) {
		b.Handle(t.Context(), handlers.Incoming{Ref: "REF", From: slack("alice"), Text: "status backend",
			Where: card.Address{Kind: "slack", Team: team, Channel: channel, User: slack("alice").User}})
	}
	var asking sync.WaitGroup
	for i := range atOnce {
		asking.Go(func() { ask(fmt.Sprintf("C%d", i)) })
	}
	for range atOnce {
		<-running
	}
	before := len(b.chat.all())
	answered := make(chan struct{})
	asking.Go(func() { ask("CLATE"); close(answered) })
	select {
	case <-answered:
	case <-running:
		close(end)
		t.Fatalf("check %d runs as well", atOnce+1)
	}
	answers := b.chat.all()[before:]
	if len(answers) != 1 || answers[0].op != "whisper" || answers[0].at.Channel != "CLATE" {
		t.Fatalf("the one too many was answered with %+v, want one word to them alone", answers)
	}
	said := answers[0].card.Verdict.String()
	for _, want := range []string{"Too many checks", "not started"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q does not say %q", said, want)
		}
	}
	close(end)
	asking.Wait()
	b.cluster.findings = func(func(finding.Finding)) []finding.Finding { return nil }
	before = len(b.chat.all())
	ask("CLATE")
	if len(b.chat.all()) == before || strings.Contains(b.chat.all()[before].card.Verdict.String(), "Too many") {
		t.Errorf("once there is room again: %+v", b.chat.all()[before:])
	}
}
