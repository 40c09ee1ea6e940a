package handlers_test

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// past stores an incident that was detected some days ago, with what it took.
func (b *incidents) past(t *testing.T, id, service, title string, severity int, ack, resolve time.Duration) incident.Incident {
	t.Helper()
	at := b.now().Add(-48 * time.Hour)
	i, first := incident.New(id, id, service, redact.F("%s", title), severity, "alice", at)
	i.Private = severity == 1
	if ack > 0 {
		i.Times.Acknowledged = at.Add(ack)
	}
	if i.Private {
		i.Fix = "R-222222"
	}
	if resolve > 0 {
		i.State, i.Times.Resolved, i.Times.Mitigated = incident.Resolved, at.Add(resolve), at.Add(resolve/2)
	}
	if _, _, err := b.store.OpenIncident(t.Context(), id, i, first, card.Address{}); err != nil {
		t.Fatal(err)
	}
	return i
}

// asks stores a request of a person as it ended.
func (b *incidents) asks(t *testing.T, id, person, why string, state approval.State) {
	t.Helper()
	r := approval.Request{ID: id, Plan: plan.Plan{Action: catalog.Restart, Service: "backend", Target: plan.Target{Name: id}}, Requester: catalog.Actor{Person: person}, State: state, Reason: why,
		CreatedAt: b.now(), ExpiresAt: b.now().Add(time.Hour), DecidedAt: b.now()}
	if _, err := b.store.Propose(t.Context(), id, r, card.Address{}, 0); err != nil {
		t.Fatal(err)
	}
}

// tables are the rows of a card's tables.
func tables(c card.Card) (out []string) {
	for _, p := range c.Parts {
		if p.Table == nil {
			continue
		}
		for _, row := range p.Table.Rows {
			words := make([]string, len(row))
			for n, cell := range row {
				words[n] = cell.String()
			}
			out = append(out, strings.Join(words, "|"))
		}
	}
	return out
}

func TestAReportCountsWhatWas(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.past(t, "I-AAAAAA", "backend", "=cmd|' /C calc'!A0", 2, 2*time.Minute, 10*time.Minute)
	b.past(t, "I-BBBBBB", "backend", "+1, \"quoted\"\nand a second line", 2, 4*time.Minute, 20*time.Minute)
	b.past(t, "I-CCCCCC", "redis", "@SUM(A1) password=hunter2hunter2", 3, 30*time.Minute, 0)
	b.past(t, "I-DDDDDD", "payroll", "hush hush", 1, 0, 60*time.Minute)
	b.asks(t, "R-222222", "alice", "done", approval.Succeeded)
	b.asks(t, "R-333333", "alice", "-1 did not help", approval.Failed)
	b.asks(t, "R-444444", "bob", "", approval.Denied)
	b.at(t, "COPS", "carol", "report 30d")
	all := b.chat.all()
	c := all[len(all)-4].card
	if want := "4 incidents in the last 30 days, taken after 12 min on average (median 4 min), resolved after 30 min on average (median 20 min)"; c.Verdict.String() != want {
		t.Errorf("said %q, want %q", c.Verdict, want)
	}
	want := []string{
		"1|0|1|0", "2|0|2|0", "3|1|0|0",
		"acknowledge (MTTA)|12 min|4 min|30 min|3", "mitigate|15 min|10 min|30 min|3", "resolve (MTTR)|30 min|20 min|1 h 0 min|3",
		"backend|2|30 min", "(private)|1|1 h 0 min", "redis|1|0 s",
		"alice|1|1|0|0", "bob|0|0|1|0",
	}
	if diff := cmp.Diff(want, tables(c)); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	files := b.uploads(".csv")
	if len(files) != 2 || len(b.uploads(".png")) != 1 {
		t.Fatalf("%d tables", len(files))
	}
	for _, f := range files {
		rows, err := csv.NewReader(strings.NewReader(f)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
					t.Errorf("a spreadsheet runs %q", cell)
				}
			}
		}
	}
	if lack := lacks(files[0], "I-AAAAAA,2,resolved,backend,'=cmd|", "'+1, \"\"quoted\"\"", "'@SUM(A1) password=[redacted]", "I-DDDDDD,1,resolved,(private),(private),(private),(private),", ",120,300,600,"); lack != nil {
		t.Errorf("the incidents lack %q:\n%s", lack, files[0])
	}
	if strings.Contains(files[0], "R-222222") {
		t.Errorf("the request that mended a private incident is told, and the changes have its service:\n%s", files[0])
	}
	if strings.Contains(files[0]+strings.Join(tables(c), ""), "hush") || strings.Contains(files[0]+strings.Join(tables(c), ""), "payroll") {
		t.Errorf("a private incident is told:\n%s", files[0])
	}
	if lack := lacks(files[1], "R-333333,backend,restart,alice,,failed,'-1 did not help,"); lack != nil {
		t.Errorf("the changes lack %q:\n%s", lack, files[1])
	}
}

func TestAReportRepeatsNoWordOfAPrivateIncidentsChannel(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.asks(t, "R-222222", "alice", "denied by bob: not on a Friday", approval.Denied)
	b.past(t, "I-DDDDDD", "redis", "hush hush", 1, 0, 0)
	b.at(t, "COPS", "dora", "report")
	if files := b.uploads(".csv"); lacks(files[1], "R-222222,backend,restart,alice,,denied,denied by bob: not on a Friday,") != nil {
		t.Errorf("what has no private incident is told so:\n%s", files[1])
	}
	b.past(t, "I-EEEEEE", "backend", "hush hush", 1, 0, 0)
	b.asks(t, "R-333333", "alice", "denied by bob: hush, the thief would see it", approval.Denied)
	b.at(t, "COPS", "dora", "report")
	files := b.uploads(".csv")
	last := files[len(files)-1]
	if strings.Contains(last, "hush") || lacks(last, "R-333333,backend,restart,alice,,denied,(private),") != nil {
		t.Errorf("dora is told:\n%s", last)
	}
}

func TestAReportOfNothingAndOfNonsense(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	for _, text := range []string{"report 0d", "report soon", "report d", "report 999999d", "report -3d", "report 500d"} {
		if got := b.at(t, "COPS", "alice", text); len(got) != 1 || !strings.Contains(got[0], "is no span of time from 1h to 400d") {
			t.Errorf("%s: said %q", text, got)
		}
	}
	if got := b.at(t, "COPS", "alice", "report"); len(got) != 4 || got[0] != "No incident in the last 30 days." {
		t.Errorf("said %q", got)
	}
}
