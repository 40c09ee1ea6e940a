package handlers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// system is an outside system.
type system struct {
	done   []plan.Plan // what it was asked to do
	answer k8sops.Result
	has    bool
	err    error // of the question whether it has it
}

func (s *system) Do(_ context.Context, p plan.Plan, _ string) k8sops.Result {
	s.done = append(s.done, p)
	return s.answer
}

func (s *system) Done(context.Context, plan.Plan, string) (bool, error) { return s.has, s.err }

// fires is what Alertmanager notifies of.
type fires []map[string]string

func (f fires) Firing(context.Context) ([]map[string]string, error) { return f, nil }

func withAlertmanager(t *testing.T, firing ...map[string]string) (*testBundle, *system) {
	t.Helper()
	b, s := setup(t), &system{answer: k8sops.Result{Outcome: k8sops.Applied}, has: true}
	b.Outside = map[catalog.Action]handlers.Outside{catalog.Silence: s}
	b.Firing = fires(firing)
	return b, s
}

func down(pod string, more ...string) map[string]string {
	labels := map[string]string{"alertname": "ServiceDown", "service": "backend", "pod": pod}
	for i := 0; i < len(more); i += 2 {
		labels[more[i]] = more[i+1]
	}
	return labels
}

// agreed is a silence that alice asked for and carol agreed to.
func (b *testBundle) agreed(t *testing.T) approval.Request {
	t.Helper()
	said := b.says(t, "alice", "silence backend 1h known")
	if len(b.rows.order) != 1 {
		t.Fatalf("got no request, but %q", said.Verdict)
	}
	r := b.rows.get(t, b.rows.order[0])
	b.says(t, "carol", "approve "+r.ID)
	return b.rows.get(t, r.ID)
}

func TestASilenceIsAChangeLikeEveryOther(t *testing.T) {
	t.Parallel()
	b, s := withAlertmanager(t, down("b1"), down("b2"), map[string]string{"alertname": "Slow", "service": "other"})
	if got := b.says(t, "dora", "silence backend").Verdict; !strings.Contains(got.String(), "may not ask for silence") {
		t.Errorf("got %q for somebody without the role", got)
	}
	if len(s.done) != 0 {
		t.Fatal("silenced without a request")
	}
	said := b.says(t, "alice", "silence backend 1h known")
	r := b.rows.get(t, b.rows.order[0])
	if r.State != approval.Pending || len(s.done) != 0 {
		t.Fatalf("got %s, %d calls, want to wait for a second person: %q", r.State, len(s.done), said.Verdict)
	}
	if got := b.says(t, "alice", "approve "+r.ID).Verdict; b.rows.get(t, r.ID).State != approval.Pending {
		t.Errorf("alice approved her own silence: %q", got)
	}
	b.says(t, "carol", "approve "+r.ID)
	for range 2 { // the job, and one that a crash repeated
		if err := b.Execute(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.done) != 1 {
		t.Fatalf("got %d calls, want one", len(s.done))
	}
	labels, length, err := handlers.SilenceOf(s.done[0])
	if diff := cmp.Diff(map[string]string{"alertname": "ServiceDown", "service": "backend"}, labels); diff != "" || length != time.Hour || err != nil {
		t.Errorf("got %s, %v, labels (-want +got):\n%s", length, err, diff)
	}
	if err := b.Watch(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.rows.get(t, r.ID); got.State != approval.Succeeded || b.cluster.calls != 0 {
		t.Errorf("got %s (%s), and %d calls of the cluster", got.State, got.Reason, b.cluster.calls)
	}
}

func TestASilenceOfTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text   string
		firing []map[string]string
		says   string
	}{
		"nothing fires":                      {"silence backend", nil, "No alert of backend fires"},
		"it would quiet another service too": {"silence backend", []map[string]string{{"alertname": "A", "service": "backend", "zone": "a"}, {"alertname": "B", "service": "be", "zone": "a"}, {"alertname": "C", "service": "other", "zone": "a"}}, "so little in common"},
		"nothing in common":                  {"silence backend", []map[string]string{{"alertname": "A", "service": "backend"}, {"alertname": "B", "service": "be"}}, "so little in common"},
		"for too long":                       {"silence backend 48h", []map[string]string{down("b1")}, "lasts from"},
		"for too short":                      {"silence backend 1s", []map[string]string{down("b1")}, "lasts from"},
		"an alert that does not fire":        {"silence backend --alert Slow", []map[string]string{down("b1")}, "No alert of backend fires"},
		"no such service":                    {"silence nobody", []map[string]string{down("b1")}, "nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := withAlertmanager(t, tc.firing...)
			if got := b.says(t, "alice", tc.text).Verdict; !strings.Contains(got.String(), tc.says) || len(b.rows.order) != 0 {
				t.Errorf("got %q and %d requests, want %q", got, len(b.rows.order), tc.says)
			}
		})
	}
	b, _ := withAlertmanager(t, map[string]string{"alertname": "A", "service": "backend", "zone": "a"}, map[string]string{"alertname": "C", "service": "other", "zone": "a"})
	if got := b.says(t, "alice", "silence backend --alert A").Verdict; len(b.rows.order) != 1 {
		t.Errorf("got %q, want the one alert silenced by its labels", got)
	}
	without := setup(t)
	if got := without.says(t, "alice", "silence backend").Verdict; !strings.Contains(got.String(), "not set up") {
		t.Errorf("got %q", got)
	}
}

func TestALostAnswerOfAnOutsideSystemIsFoundOutAndNeverRepeated(t *testing.T) {
	t.Parallel()
	away := errors.New("connection refused")
	for name, tc := range map[string]struct {
		answer k8sops.Result
		has    bool
		err    error
		after  time.Duration
		want   approval.State
	}{
		"it has it":                  {answer: k8sops.Result{}, has: true, want: approval.Applied},
		"it does not have it":        {answer: k8sops.Result{}, want: approval.Unknown},
		"it cannot be asked at all":  {answer: k8sops.Result{}, err: handlers.ErrCannotTell, want: approval.Unknown},
		"it is away for a moment":    {answer: k8sops.Result{}, err: away, want: approval.Executing},
		"it stays away":              {answer: k8sops.Result{}, err: away, after: 2 * time.Minute, want: approval.Unknown},
		"it refused":                 {answer: k8sops.Result{Outcome: k8sops.Refused, Message: redact.Const("401")}, want: approval.NotStarted},
		"it had been reached, by it": {answer: k8sops.Result{Outcome: k8sops.Applied}, has: true, want: approval.Applied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, s := withAlertmanager(t, down("b1"))
			r := b.agreed(t)
			s.answer, s.has, s.err = tc.answer, tc.has, tc.err
			if err := b.Execute(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
			b.wait(approval.LeaseTime + tc.after)
			var later *approval.Later
			if err := b.Reconcile(t.Context(), r.ID); err != nil && !errors.As(err, &later) {
				t.Fatal(err)
			}
			if got := b.rows.get(t, r.ID); got.State != tc.want || len(s.done) != 1 {
				t.Errorf("got %s (%s) after %d calls, want %s after one", got.State, got.Reason, len(s.done), tc.want)
			}
		})
	}
}

// oneIncident knows one incident of backend.
type oneIncident struct{ noIncidents }

func (oneIncident) Incident(context.Context, string) (incident.Incident, error) {
	return incident.Incident{ID: "I-7K3MQX", Service: "backend", State: incident.Identified, Severity: 2}, nil
}

func TestWordsForCustomersAlwaysNeedASecondPerson(t *testing.T) {
	t.Parallel()
	b, silences := withAlertmanager(t, down("b1"))
	b.catalog.Policies[0].Approvals = catalog.Approvals{None: true}
	b.catalog.Services[0].StatusComponents = []string{"cmp1"}
	page := &system{answer: k8sops.Result{Outcome: k8sops.Applied}, has: true}
	b.Outside[catalog.Publish], b.Incidents = page, oneIncident{}
	// A silence keeps to the policy.
	b.says(t, "alice", "silence backend")
	if got := b.rows.get(t, b.rows.order[0]); got.State != approval.Approved || len(silences.done) != 0 {
		t.Errorf("got %s", got.State)
	}
	if said := b.says(t, "alice", "update I-7K3MQX It is the network."); len(b.rows.order) != 1 || !strings.Contains(said.Verdict.String(), "would reach nobody; nothing was done") {
		t.Errorf("without a status page and stakeholders it is answered %q", said.Verdict)
	}
	b.catalog.StatusPage.Provider = "statuspage"
	said := b.says(t, "alice", `update I-7K3MQX It is the network. --eta "16:00 UTC"`)
	if len(b.rows.order) != 2 {
		t.Fatalf("got no request, but %q", said.Verdict)
	}
	r := b.rows.get(t, b.rows.order[1])
	if r.State != approval.Pending {
		t.Fatalf("got %s though nobody else has read it", r.State)
	}
	if err := b.Execute(t.Context(), r.ID); err != nil || len(page.done) != 0 {
		t.Fatalf("got %v and %d updates before anybody agreed", err, len(page.done))
	}
	b.says(t, "bob", "approve "+r.ID)
	if err := b.Execute(t.Context(), r.ID); err != nil || len(page.done) != 1 {
		t.Fatalf("got %v and %d updates, want one", err, len(page.done))
	}
	got, err := handlers.UpdateOf(page.done[0])
	got.Key = "" // another one each time
	want := handlers.Update{Incident: "I-7K3MQX", State: "identified", Title: "Problems with backend", Body: "It is the network. We expect this to be fixed by 16:00 UTC.",
		Impact: "major", Components: map[string]string{"cmp1": "partial_outage"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("what customers read (-want +got):\n%s%v", diff, err)
	}
}

func TestWhatCameToNothingIsTriedAgainOnlyWithNewApprovals(t *testing.T) {
	t.Parallel()
	b, s := withAlertmanager(t, down("b1"))
	r := b.agreed(t)
	if got := b.says(t, "alice", "retry "+r.ID).Verdict; !strings.Contains(got.String(), "nothing to try again") {
		t.Errorf("got %q while it is still under way", got)
	}
	s.answer = k8sops.Result{Outcome: k8sops.Refused, Message: redact.Const("it answers 503")}
	if err := b.Execute(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	s.answer = k8sops.Result{Outcome: k8sops.Applied}
	// Its card stands in a private channel: who is not in it asks for nothing by its ID, and it is asked for again in there.
	if err := b.rows.SaveCard(t.Context(), r.ID, "card", card.Address{Kind: "slack", Team: team, Channel: "GWAR", Message: "1.1"}); err != nil {
		t.Fatal(err)
	}
	b.directory.private = map[string][]catalog.SlackID{"GWAR": {slack("bob")}}
	b.catalog.Roles[0].People = append(b.catalog.Roles[0].People, "carol")
	if got := b.says(t, "carol", "retry "+r.ID); got.State != card.Refused || !strings.Contains(got.Verdict.String(), "stands where you do not read") || len(b.rows.order) != 1 {
		t.Errorf("carol was told %q", got.Verdict)
	}
	b.says(t, "alice", "retry "+r.ID)
	if len(b.rows.order) != 2 {
		t.Fatal("got no second request")
	}
	again := b.rows.get(t, b.rows.order[1])
	if places, err := b.rows.CardsOf(t.Context(), again.ID); err != nil || places["origin"].Channel != "GWAR" {
		t.Errorf("it was asked for in %+v, %v", places, err)
	}
	if again.State != approval.Pending || again.Digest != r.Digest || again.Why != r.Why || len(s.done) != 1 {
		t.Errorf("got %+v after %d calls, want the same change to wait for approval", again, len(s.done))
	}
}
