package handlers_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
)

func TestStatusIsOneCardWithItsDetailsInTheThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cluster.findings = func(func(finding.Finding)) []finding.Finding {
		return checks(finding.Finding{Check: "pods", Status: finding.Fail, Line: redact.Const("2 of 3 pods crash"),
			Evidence: []finding.Evidence{{Title: redact.Const("Pods"), Code: redact.Const("backend-1 CrashLoopBackOff")}}})
	}
	b.says(t, "alice", "status be")
	said := b.chat.all()
	if len(said) != 2 || said[0].op != "say" || said[1].op != "say" {
		t.Fatalf("got %+v, want the card and its details", said)
	}
	if got := said[0].card.Verdict.String(); !strings.Contains(got, "2 of 3 pods crash") {
		t.Errorf("got the verdict %q, want what is wrong first", got)
	}
	if said[1].at.Thread != said[0].at.Message {
		t.Errorf("got the details at %+v, want the thread of %s", said[1].at, said[0].at.Message)
	}
	var verbs []string
	for _, button := range said[0].card.Buttons {
		verbs = append(verbs, button.Verb)
	}
	if diff := cmp.Diff([]string{"restart", "logs", "logs", "status"}, verbs); diff != "" {
		t.Errorf("buttons (-want +got):\n%s", diff)
	}
}

func TestStatusSaysWhenItIsNotRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.rows.down = true
	b.says(t, "alice", "status backend")
	var notes []string
	for _, n := range b.chat.all()[0].card.Notes {
		notes = append(notes, n.String())
	}
	if !strings.Contains(strings.Join(notes, "\n"), "not being recorded") {
		t.Errorf("got the notes %q, want the one about the record", notes)
	}
}

// While checks are slow the card shows what is there, and is edited to the whole answer.
func TestASlowStatusFillsItsCard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shown := make(chan struct{})
	var once sync.Once
	b.chat.saying = func() { once.Do(func() { close(shown) }) }
	b.cluster.findings = func(each func(finding.Finding)) []finding.Finding {
		each(finding.Finding{Check: "pods", Status: finding.OK})
		select {
		case <-shown:
		case <-time.After(10 * time.Second):
			t.Error("no progress was shown")
		}
		return checks()
	}
	b.says(t, "alice", "status backend")
	said := b.chat.all()
	if len(said) < 2 || said[0].card.State != card.Running || !strings.Contains(said[0].card.Verdict.String(), "1 check back") {
		t.Fatalf("got %+v, want progress first", said)
	}
	last := said[len(said)-1]
	if last.op != "update" || last.at.Message != said[0].at.Message || last.card.State != card.OK {
		t.Errorf("got %+v, want the same card edited to its end", last)
	}
}

// Whoever asks the same in the same channel meanwhile is pointed to the card that is being filled, except where only they would see it.
func TestTheSameStatusAtTheSameMomentIsShared(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		where card.Address
		runs  int
	}{
		"in a channel":                       {card.Address{Kind: "slack", Channel: "COPS"}, 1},
		"in a channel shared with strangers": {card.Address{Kind: "slack", Channel: "COPS", Private: true}, 2},
		"at a terminal":                      {card.Address{Kind: "terminal", Channel: "ref"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			runs, second := 0, false
			in := handlers.Incoming{From: slack("alice"), Text: "status backend", Where: c.where}
			b.cluster.findings = func(func(finding.Finding)) []finding.Finding {
				runs++
				if !second {
					second = true
					b.Handle(t.Context(), in)
				}
				return checks()
			}
			b.Handle(t.Context(), in)
			if runs != c.runs {
				t.Errorf("got %d checks, want %d", runs, c.runs)
			}
			before := runs
			b.Handle(t.Context(), in)
			if runs != before+1 {
				t.Error("got no check after the first had ended")
			}
		})
	}
}

func TestLogsThatAreLongGoUpAsAFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text := strings.TrimSuffix(strings.Repeat("a line\n", 40), "\n")
	b.cluster.logs = func() (k8sops.LogResult, error) {
		return k8sops.LogResult{Pod: "backend-1", Container: "app", Text: redact.Clean(text)}, nil
	}
	b.says(t, "alice", "logs backend")
	said := b.chat.all()
	if len(said) != 2 || said[1].op != "upload" || said[1].file.Name != "backend-1-app.log" || said[1].file.Content.String() != text {
		t.Fatalf("got %+v, want a card and the whole file", said)
	}
	if got := strings.Count(said[0].card.Parts[0].Code.Text.String(), "a line"); got != 15 {
		t.Errorf("got %d lines in the message, want 15", got)
	}
}

func TestApprovalsOffersTheButtonToWhoCouldDecide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.proposed(t)
	for who, want := range map[string]int{"alice": 0, "bob": 1, "carol": 1, "dora": 0} {
		said := b.says(t, who, "approvals backend")
		if len(said.Buttons) != want {
			t.Errorf("%s: got %d buttons, want %d", who, len(said.Buttons), want)
		}
		if said.Verdict.String() != "Open: 1 request." || !strings.Contains(said.Parts[0].Text.String(), r.ID) {
			t.Errorf("%s: got %q, %+v", who, said.Verdict, said.Parts)
		}
	}
	b.says(t, "bob", "approve "+r.ID)
	if got := b.rows.get(t, r.ID).State; got != approval.Approved {
		t.Errorf("got %s, want approved", got)
	}
}
