package incident_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

var update = flag.Bool("update", false, "write what the code says now to the golden files")

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return noon.Add(d) }

func fresh() incident.Incident {
	i, _ := incident.New("I-7K3MQX", incident.KeyOf("backend"), "backend", redact.Const("checkout fails"), 2, "alice", noon)
	return i
}

// in brings a fresh incident to a state.
func in(t *testing.T, s incident.State) incident.Incident {
	t.Helper()
	i := fresh()
	steps := map[incident.State][]incident.State{
		incident.Open: nil, incident.Investigating: {incident.Investigating}, incident.Identified: {incident.Identified},
		incident.Monitoring: {incident.Monitoring}, incident.Resolved: {incident.Resolved}, incident.Closed: {incident.Resolved, incident.Closed},
	}
	for _, to := range steps[s] {
		if _, err := i.Move(to, "alice", redact.Text{}, after(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

func TestOnlySensibleMovesAreMade(t *testing.T) {
	t.Parallel()
	all := []incident.State{incident.Open, incident.Investigating, incident.Identified, incident.Monitoring, incident.Resolved, incident.Closed}
	active := []incident.State{incident.Investigating, incident.Identified, incident.Monitoring, incident.Resolved}
	allowed := map[incident.State][]incident.State{
		incident.Open: active, incident.Investigating: active, incident.Identified: active, incident.Monitoring: active,
		incident.Resolved: {incident.Closed},
	}
	for _, from := range all {
		for _, to := range all {
			i := in(t, from)
			before := i
			_, err := i.Move(to, "bob", redact.Text{}, after(2*time.Minute))
			want := from != to
			found := false
			for _, s := range allowed[from] {
				found = found || s == to
			}
			want = want && found
			if (err == nil) != want {
				t.Errorf("%s → %s: err = %v, want allowed %v", from, to, err, want)
			}
			var refusal *incident.Refusal
			if err != nil && (!errors.As(err, &refusal) || !cmp.Equal(before, i)) {
				t.Errorf("%s → %s: refused with %v, but it changed: %s", from, to, err, cmp.Diff(before, i))
			}
		}
	}
}

func TestTimesTellTheWholeOutage(t *testing.T) {
	t.Parallel()
	i := fresh()
	if _, ok := i.Times.ToAcknowledge(); ok {
		t.Error("acknowledged before anybody did")
	}
	do := func(_ incident.Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(i.Acknowledge("alice", after(3*time.Minute)))
	do(i.Move(incident.Monitoring, "alice", redact.Text{}, after(20*time.Minute)))
	do(i.Move(incident.Resolved, "alice", redact.Text{}, after(30*time.Minute)))
	do(i.Reopen("alertmanager", redact.Text{}, after(40*time.Minute)))
	if _, ok := i.Times.ToResolve(); ok || i.State != incident.Investigating {
		t.Errorf("reopened, yet resolved: %+v", i)
	}
	do(i.Move(incident.Resolved, "alice", redact.Text{}, after(55*time.Minute)))
	ack, _ := i.Times.ToAcknowledge()
	resolve, _ := i.Times.ToResolve()
	if ack != 3*time.Minute || resolve != 55*time.Minute || !i.Times.Mitigated.Equal(after(55*time.Minute)) {
		t.Errorf("acknowledged after %s, resolved after %s, mitigated at %s", ack, resolve, i.Times.Mitigated)
	}
}

func TestMitigatedIsTheLastChangeThatHelpedOrTheWordOfPeople(t *testing.T) {
	t.Parallel()
	move := func(to incident.State, at time.Duration) func(*incident.Incident) {
		return func(i *incident.Incident) { _, _ = i.Move(to, "alice", redact.Text{}, after(at)) }
	}
	helped := func(id string, at time.Duration) func(*incident.Incident) {
		return func(i *incident.Incident) { i.Mitigate(id, after(at)) }
	}
	reopen := func(i *incident.Incident) { _, _ = i.Reopen("alice", redact.Text{}, after(50*time.Minute)) }
	for name, c := range map[string]struct {
		story []func(*incident.Incident)
		want  time.Duration // -1: not yet
		fix   string
	}{
		"a change before monitoring":                    {[]func(*incident.Incident){helped("R-1", 10*time.Minute), move(incident.Monitoring, 20*time.Minute), move(incident.Resolved, 30*time.Minute)}, 10 * time.Minute, "R-1"},
		"monitoring alone":                              {[]func(*incident.Incident){move(incident.Monitoring, 20*time.Minute), move(incident.Resolved, 30*time.Minute)}, 20 * time.Minute, ""},
		"resolved alone":                                {[]func(*incident.Incident){move(incident.Resolved, 30*time.Minute)}, 30 * time.Minute, ""},
		"the first change did not hold":                 {[]func(*incident.Incident){helped("R-1", 5*time.Minute), helped("R-2", 10*time.Minute), move(incident.Resolved, 30*time.Minute)}, 10 * time.Minute, "R-2"},
		"a change is told again":                        {[]func(*incident.Incident){helped("R-1", 5*time.Minute), helped("R-2", 10*time.Minute), helped("R-1", 5*time.Minute)}, 10 * time.Minute, "R-2"},
		"a change is told after it was resolved":        {[]func(*incident.Incident){move(incident.Resolved, 30*time.Minute), helped("R-1", 29*time.Minute)}, 29 * time.Minute, "R-1"},
		"a change while it is watched":                  {[]func(*incident.Incident){move(incident.Monitoring, 20*time.Minute), helped("R-1", 25*time.Minute)}, 20 * time.Minute, ""},
		"an older change is told after it was resolved": {[]func(*incident.Incident){helped("R-2", 10*time.Minute), move(incident.Resolved, 30*time.Minute), helped("R-1", 5*time.Minute)}, 10 * time.Minute, "R-2"},
		"it was not mended after all":                   {[]func(*incident.Incident){helped("R-1", 10*time.Minute), move(incident.Monitoring, 20*time.Minute), move(incident.Investigating, 25*time.Minute)}, -1, ""},
		"it was reopened":                               {[]func(*incident.Incident){helped("R-1", 10*time.Minute), move(incident.Resolved, 30*time.Minute), reopen}, -1, ""},
		"a change of before it was reopened is told":    {[]func(*incident.Incident){move(incident.Resolved, 30*time.Minute), reopen, helped("R-1", 10*time.Minute)}, -1, ""},
	} {
		i := fresh()
		for _, f := range c.story {
			f(&i)
		}
		want := time.Time{}
		if c.want >= 0 {
			want = after(c.want)
		}
		if !i.Times.Mitigated.Equal(want) || i.Fix != c.fix {
			t.Errorf("%s: mitigated %s by %q, want %s by %q", name, i.Times.Mitigated, i.Fix, want, c.fix)
		}
	}
}

func TestWhatIsArchivedIsNotReopened(t *testing.T) {
	t.Parallel()
	i := in(t, incident.Closed)
	i.Archived = after(time.Hour)
	if _, err := i.Reopen("alice", redact.Text{}, after(2*time.Hour)); err == nil {
		t.Error("an incident without a channel was reopened")
	}
}

func ladder() catalog.Ladder {
	return catalog.Ladder{Name: "default", Services: []string{"*"}, Quiet: 30 * time.Minute, Levels: []catalog.Level{
		{Roles: []string{"on-call"}, Duties: []string{"Follow this runbook"}},
		{After: 15 * time.Minute, Roles: []string{"senior"}},
		{After: 30 * time.Minute, Roles: []string{"manager"}},
	}}
}

func people(role string) incident.Holders {
	return incident.Holders{People: map[string][]string{"on-call": {"alice"}, "senior": {"bob"}, "manager": {"carol"}}[role]}
}

// levels are the levels that events tell of.
func levels(events []incident.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.Op)
	}
	return out
}

func TestTheLadderIsClimbedOnTimeAndOnce(t *testing.T) {
	t.Parallel()
	i := fresh()
	steps := []struct {
		name string
		at   time.Duration
		want []string
		next time.Duration
	}{
		{"the first level at once", 0, []string{"level:1:1"}, 15 * time.Minute},
		{"the same timer again", 0, nil, 15 * time.Minute},
		{"a moment too early", 15*time.Minute - time.Second, nil, 15 * time.Minute},
		{"the second on time", 15 * time.Minute, []string{"level:1:2"}, 30 * time.Minute},
		{"the third", 31 * time.Minute, []string{"level:1:3"}, 61 * time.Minute},
		{"nobody came", 61 * time.Minute, []string{"round:2:0", "level:2:1"}, 76 * time.Minute},
	}
	for _, s := range steps {
		got := levels(i.Escalate(ladder(), people, after(s.at)))
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
		if next := i.Due(ladder()); !next.Equal(after(s.next)) {
			t.Errorf("%s: next at %s, want %s", s.name, next, after(s.next))
		}
	}
	if diff := cmp.Diff([]string{"alice", "bob", "carol"}, i.People); diff != "" {
		t.Errorf("brought in (-want +got):\n%s", diff)
	}
}

func TestABotThatWasDownClimbsEachMissedLevelOnce(t *testing.T) {
	t.Parallel()
	i := fresh()
	late := after(45 * time.Minute)
	if diff := cmp.Diff([]string{"level:1:1", "level:1:2", "level:1:3"}, levels(i.Escalate(ladder(), people, late))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := i.Escalate(ladder(), people, late); got != nil {
		t.Errorf("the second timer escalated again: %v", got)
	}
}

func TestAnAckStopsTheLadderAndSilenceStartsItAgain(t *testing.T) {
	t.Parallel()
	i := fresh()
	i.Escalate(ladder(), people, noon)
	if _, err := i.Acknowledge("alice", after(5*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := i.Escalate(ladder(), people, after(20*time.Minute)); got != nil {
		t.Errorf("acknowledged, yet escalated: %v", levels(got))
	}
	if _, err := i.Note(redact.Const("it is the config"), "alice", after(25*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := i.Escalate(ladder(), people, after(50*time.Minute)); got != nil {
		t.Errorf("a note is a sign of life, yet escalated: %v", levels(got))
	}
	if diff := cmp.Diff([]string{"round:2:0", "level:2:1"}, levels(i.Escalate(ladder(), people, after(55*time.Minute)))); diff != "" {
		t.Errorf("silence (-want +got):\n%s", diff)
	}
	if _, err := i.Acknowledge("alice", after(56*time.Minute)); err != nil {
		t.Errorf("the second round cannot be acknowledged: %v", err)
	}
	if _, err := i.Acknowledge("bob", after(57*time.Minute)); err == nil {
		t.Error("acknowledged twice")
	}
	if _, err := i.Move(incident.Resolved, "alice", redact.Text{}, after(58*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if due := i.Due(ladder()); !due.IsZero() {
		t.Errorf("resolved, yet due at %s", due)
	}
}

func TestAPersonRaisesALevel(t *testing.T) {
	t.Parallel()
	i := fresh()
	i.Escalate(ladder(), people, noon)
	e, err := i.Raise(ladder(), 3, people, "alice", "customers call", after(time.Minute))
	if err != nil || !strings.Contains(e.Text.String(), "Level 3: calling carol (manager), because customers call") {
		t.Fatalf("got %q, %v", e.Text, err)
	}
	again, err := i.Raise(ladder(), 3, people, "alice", "", after(2*time.Minute))
	if err != nil || again.Op == e.Op {
		t.Errorf("called again as %q after %q: a page with a known key wakes nobody; %v", again.Op, e.Op, err)
	}
	for _, level := range []int{-1, 4, 0} {
		if _, err := i.Raise(ladder(), level, people, "alice", "", after(3*time.Minute)); err == nil {
			t.Errorf("level %d was raised", level)
		}
	}
	if _, err := i.Raise(catalog.Ladder{}, 1, people, "alice", "", after(3*time.Minute)); err == nil {
		t.Error("raised without a ladder")
	}
}

func alert(service, fingerprint string, s incident.AlertStatus) incident.Alert {
	return incident.Alert{Fingerprint: fingerprint, Status: s, Service: service, Labels: map[string]string{"alertname": "ServiceDown"}, Source: "alertmanager"}
}

func TestEveryAlertOfABatchIsCountedOnce(t *testing.T) {
	t.Parallel()
	batch := []incident.Alert{
		alert("redis", "r1", incident.Firing), alert("backend", "b2", incident.Firing), alert("backend", "b1", incident.Firing),
		alert("backend", "b1", incident.Firing), alert("backend", "b1", incident.Recovered),
		{Fingerprint: "x", Status: incident.Firing, Labels: map[string]string{"alertname": "DiskFull"}},
		{Fingerprint: "y", Status: incident.Recovered},
		{Fingerprint: "z", Status: incident.Firing, Service: "backend", Group: "eu"},
	}
	got := map[string][]int{}
	sum := 0
	var keys []string
	for _, g := range incident.Gather(batch) {
		keys = append(keys, g.Key)
		for _, c := range g.Alerts {
			got[c.Fingerprint] = []int{c.Fired, c.Ended}
			sum += c.Fired + c.Ended
		}
	}
	if sum != len(batch) {
		t.Errorf("%d alerts came, %d are accounted for", len(batch), sum)
	}
	if diff := cmp.Diff(map[string][]int{"r1": {1, 0}, "b2": {1, 0}, "b1": {2, 1}, "x": {1, 0}, "y": {0, 1}, "z": {1, 0}}, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"alert:DiskFull", "alert:an alert without a name", "group:eu", "service:backend", "service:redis"}, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestRepetitionsAreNoNews(t *testing.T) {
	t.Parallel()
	i := fresh()
	if got := i.Report(incident.News{Firing: 3, Known: 3}, "alertmanager", noon); got != nil {
		t.Errorf("got %v", got)
	}
	got := i.Report(incident.News{Ended: []string{"ServiceDown", "ServiceDown"}, Known: 2}, "alertmanager", noon)
	if len(got) != 1 || got[0].Text.String() != "ServiceDown ×2 recovered. All 2 alerts have recovered" {
		t.Errorf("got %v", got)
	}
}

func TestRoomNamesAreLegal(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		service, title string
		try            int
		want           string
	}{
		"the service's name":    {"backend", "x", 1, "inc-20261123-backend-down"},
		"a name that was taken": {"backend", "x", 3, "inc-20261123-backend-down-3"},
		"capitals and dots":     {"Backend.API", "x", 1, "inc-20261123-backend-api-down"},
		"no service":            {"", "Disk is full: /var", 1, "inc-20261123-disk-is-full-var-down"},
		"nothing usable":        {"", "…", 1, "inc-20261123-service-down"},
		"too long":              {strings.Repeat("a-", 60), "", 12, "inc-20261123-" + strings.Repeat("a-", 29) + "a-down-12"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := incident.RoomName(tc.service, tc.title, noon, tc.try)
			if got != tc.want || len(got) > 80 {
				t.Errorf("got %q (%d), want %q", got, len(got), tc.want)
			}
		})
	}
}

func TestThePostmortemIsWrittenFromTheTimeline(t *testing.T) {
	t.Parallel()
	i, opened := incident.New("I-7K3MQX", incident.KeyOf("backend"), "backend", redact.Const("checkout fails"), 1, "alertmanager", noon)
	events := []incident.Event{opened}
	events = append(events, i.Escalate(ladder(), people, noon)...)
	events = append(events, i.Escalate(ladder(), people, after(15*time.Minute))...)
	put := func(e incident.Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	put(i.Acknowledge("bob", after(16*time.Minute)))
	put(i.Assign(incident.Commander, "bob", "alice", after(17*time.Minute)))
	put(i.Note(redact.F("# not a heading\n| nor a cell, password=%s", "hunter2hunter2"), "alice", after(18*time.Minute)))
	events = append(events, i.Judge(redact.Const("backend is down: 3 of 3 pods crash"), after(19*time.Minute)))
	change := func(op, text string, at time.Duration) {
		put(incident.Event{Op: op, At: after(at), Kind: incident.KindChange, By: "svcdown", Text: redact.F("%s", text)}, nil)
	}
	change("state:R-1:failed", "Restart of backend did not help", 20*time.Minute)
	change("state:R-2:applied", "Rollback of backend is being verified", 21*time.Minute)
	change("state:R-2:succeeded", "Rollback of backend worked", 22*time.Minute)
	put(i.Move(incident.Resolved, "alice", redact.Const("all checks are green"), after(30*time.Minute)))
	put(incident.Event{At: after(31 * time.Minute), Kind: incident.KindLesson, By: "bob", Text: redact.Const("look at the image tag first")}, nil)
	items := []incident.ActionItem{{ID: 7, Text: redact.Const("alert on the tag | of ![x](http://evil.example/p.png)"), Owner: "alice", Due: "2026-12-01"},
		{ID: 8, Text: redact.Const("a probe"), Owner: "bob", Due: "2026-12-02", Done: after(time.Hour), DoneBy: "bob"}}
	got := incident.Postmortem(i, events, incident.Count{Known: 3, Received: 40}, items).String()
	const golden = "testdata/postmortem.md"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(got, "hunter2") {
		t.Error("the postmortem shows a secret")
	}
}
