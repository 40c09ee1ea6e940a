package handlers_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/k8sops"
)

func TestEverybodyGetsAnAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		who, text string
		spoil     func(*testBundle)
		want      []string
		outcome   string
	}{
		"nothing typed is help":           {who: "alice", text: "", want: []string{"status SERVICE"}, outcome: "help ok"},
		"help for a stranger":             {who: "mallory", text: "help", want: []string{"status SERVICE"}, outcome: "help ok"},
		"a typing error":                  {who: "alice", text: "staus backend", want: []string{`"staus"`, "Did you mean `status backend`?"}, outcome: "unknown unknown-verb"},
		"a service alone":                 {who: "alice", text: "backend", want: []string{"Did you mean `status backend`?"}, outcome: "unknown unknown-verb"},
		"something else entirely":         {who: "alice", text: "zzzzzzzzz", want: []string{"`help`"}, outcome: "unknown unknown-verb"},
		"too much text":                   {who: "alice", text: strings.Repeat("x", 5000), want: []string{"5000 characters"}, outcome: "unknown too-long"},
		"too many commands":               {who: "alice", text: "services", spoil: func(b *testBundle) { b.rows.tired = true }, want: []string{"not done", "Try again in 8 s"}, outcome: "services busy"},
		"a stranger who asks for more":    {who: "mallory", text: "services", want: []string{"I do not know you", "platform team"}, outcome: "services role"},
		"a deactivated account":           {who: "alice", text: "services", spoil: func(b *testBundle) { b.directory.accounts[slack("alice")] = handlers.Account{Deleted: true} }, want: []string{"a deactivated account"}, outcome: "services role"},
		"a bot's account":                 {who: "alice", text: "restart backend", spoil: func(b *testBundle) { b.directory.accounts[slack("alice")] = handlers.Account{Bot: true} }, want: []string{"a bot"}, outcome: "restart role"},
		"whoami for a stranger":           {who: "mallory", text: "whoami", want: []string{"T1/UMALLORY", "does not name"}, outcome: "whoami ok"},
		"whoami":                          {who: "bob", text: "whoami", want: []string{"bob", "oncall, senior"}, outcome: "whoami ok"},
		"services":                        {who: "dora", text: "services", want: []string{"1 service."}, outcome: "services ok"},
		"no open requests":                {who: "alice", text: "approvals", want: []string{"Nothing waits"}, outcome: "approvals ok"},
		"the database away for approvals": {who: "alice", text: "approvals", spoil: func(b *testBundle) { b.rows.down = true }, want: []string{"database does not answer", "Nothing is carried out"}, outcome: "approvals unavailable"},
		"the database away for a click":   {who: "bob", text: "approve R-222222", spoil: func(b *testBundle) { b.rows.down = true }, want: []string{"cannot tell whether that was recorded", "never counts twice"}, outcome: "approve unavailable"},
		"approve without an ID":           {who: "bob", text: "approve", want: []string{"Which request?", "approve ID"}, outcome: "approve usage"},
		"approve what does not exist":     {who: "bob", text: "approve R-222222", want: []string{"no such request"}, outcome: "approve not-found"},
		"a panic in a handler":            {who: "alice", text: "logs backend", spoil: func(b *testBundle) { b.cluster.logs = func() (k8sops.LogResult, error) { panic("s3cret") } }, want: []string{"REF123", "approvals"}, outcome: "logs internal"},
		"a panic in the goroutine of a status": {who: "alice", text: "status backend", spoil: func(b *testBundle) {
			b.cluster.findings = func(func(finding.Finding)) []finding.Finding { panic("s3cret") }
		}, want: []string{"REF123"}, outcome: "status internal"},
		"an error of our own": {who: "alice", text: "logs backend", spoil: func(b *testBundle) {
			b.cluster.logs = func() (k8sops.LogResult, error) { return k8sops.LogResult{}, errors.New("dial 10.0.0.7: s3cret") }
		}, want: []string{"REF123"}, outcome: "logs internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if c.spoil != nil {
				c.spoil(b)
			}
			said := b.says(t, c.who, c.text)
			if missing := lacks(said.Verdict.String(), c.want...); missing != nil {
				t.Errorf("got %q without %q", said.Verdict, missing)
			}
			if strings.Contains(said.Verdict.String(), "s3cret") {
				t.Errorf("got the cause of an internal error shown: %q", said.Verdict)
			}
			if !slices.Contains(b.rows.outcomes, c.outcome) {
				t.Errorf("got the outcomes %q, want %q", b.rows.outcomes, c.outcome)
			}
		})
	}
}

func TestWhoWaitedTooLongIsToldSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	var alive error
	b.cluster.logs = func() (k8sops.LogResult, error) {
		cancel()
		return k8sops.LogResult{}, context.Canceled
	}
	b.chat.whispering = func(ctx context.Context) { alive = ctx.Err() }
	b.Handle(ctx, handlers.Incoming{From: slack("alice"), Text: "logs backend", Where: card.Address{Kind: "slack", Channel: "COPS"}})
	if n := len(b.chat.all()); n != 1 || alive != nil {
		t.Errorf("got %d messages in a context that is %v, want one in a living one", n, alive)
	}
}

func TestWhoMayDecide(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   handlers.Incoming
		text string
		want []string
	}{
		"not the requester":                 {handlers.Incoming{From: slack("alice")}, "approve", []string{"somebody else must approve it", "1 of senior"}},
		"not the requester at the terminal": {handlers.Incoming{Kubernetes: "alice@example.com"}, "approve", []string{"somebody else must approve it"}},
		"not without the role":              {handlers.Incoming{From: slack("dora")}, "approve", []string{"was not counted", "senior"}},
		"not from another workspace":        {handlers.Incoming{From: catalog.SlackID{Team: "T2", User: slack("bob").User}}, "approve", []string{"another workspace"}},
		"not an unknown username":           {handlers.Incoming{Kubernetes: "system:admin"}, "approve", []string{"I do not know you"}},
		"not on another plan's card":        {handlers.Incoming{From: slack("bob"), Seen: "of yesterday"}, "approve", []string{"changed since your card was made"}},
		"not by glass before its time":      {handlers.Incoming{From: slack("alice")}, "break-glass", []string{"opens at", "Nothing was done"}},
		"not a review where no glass broke": {handlers.Incoming{From: slack("bob")}, "review", []string{"nothing to review"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.proposed(t)
			c.in.Text = c.text + " " + strings.ToLower(r.ID) + " because"
			said := b.incoming(t, c.in)
			if missing := lacks(said.Verdict.String(), c.want...); missing != nil {
				t.Errorf("got %q without %q", said.Verdict, missing)
			}
			if got := b.rows.get(t, r.ID); got.State != r.State || len(got.Votes) != 0 {
				t.Errorf("got %s with the votes %+v, want it as it was", got.State, got.Votes)
			}
		})
	}
}

func TestTheRequestersNoTakesItBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t)
	b.says(t, "alice", "deny "+r.ID)
	if err := b.Execute(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.rows.get(t, r.ID); got.State != "cancelled" || b.cluster.calls != 0 {
		t.Errorf("got %s and %d calls, want cancelled and none", got.State, b.cluster.calls)
	}
}

func TestWhileSlackIsAwayRolesByNameStillCount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.proposed(t)
	b.catalog.Roles[0].SlackGroups = []string{"S1"}
	b.directory.groups = map[string][]catalog.SlackID{"S1": {slack("carol"), slack("dora")}}
	b.directory.asOf = b.now().Add(-2 * time.Hour)
	said := b.says(t, "dora", "restart backend")
	if missing := lacks(said.Verdict.String(), "Slack has not said", "nothing was done"); missing != nil {
		t.Errorf("group alone: got %q without %q", said.Verdict, missing)
	}
	b.says(t, "carol", "approve "+r.ID)
	if got := b.rows.get(t, r.ID).State; got != approval.Approved {
		t.Errorf("by name: got %s, want carol's approval counted", got)
	}
}
