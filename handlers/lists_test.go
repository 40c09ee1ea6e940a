package handlers_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// lists is the store of checklists in memory, with the contracts of its interfaces.
type lists struct {
	rows *rows

	mu        sync.Mutex
	stored    map[string]storedList
	keys      map[string]string
	reports   map[string]map[int]finding.Report
	following map[string]place
}

type storedList struct {
	source  string
	body    []byte
	version int64
}

type place struct {
	id   string
	step int
}

func newLists(rows *rows) *lists {
	return &lists{rows: rows, stored: map[string]storedList{}, keys: map[string]string{}, reports: map[string]map[int]finding.Report{}, following: map[string]place{}}
}

func (l *lists) read(id string) (c checklist.Checklist, err error) {
	s, ok := l.stored[id]
	switch {
	case l.rows.down:
		return c, approval.ErrUnavailable
	case !ok:
		return c, approval.ErrNotFound
	}
	err = json.Unmarshal(s.body, &c)
	c.Source, c.Version = s.source, s.version
	return c, err
}

func (l *lists) write(c checklist.Checklist) error {
	body, err := json.Marshal(c)
	l.stored[c.ID] = storedList{c.Source, body, l.stored[c.ID].version + 1}
	return err
}

func (l *lists) OpenChecklist(_ context.Context, key string, c checklist.Checklist) (checklist.Checklist, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rows.down {
		return checklist.Checklist{}, approval.ErrUnavailable
	}
	if id, ok := l.keys[key]; ok && key != "" {
		return l.read(id)
	}
	l.keys[key] = c.ID
	if err := l.write(c); err != nil {
		return checklist.Checklist{}, err
	}
	return l.read(c.ID)
}

func (l *lists) Checklist(_ context.Context, id string) (checklist.Checklist, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read(id)
}

func (l *lists) ChangeChecklist(ctx context.Context, id, _ string, change func(*checklist.Checklist) error) (checklist.Checklist, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, err := l.read(id)
	if err != nil || ctx.Err() != nil {
		return c, errors.Join(err, ctx.Err())
	}
	if refusal := change(&c); refusal != nil {
		was, _ := l.read(id)
		return was, refusal
	}
	if err := l.write(c); err != nil {
		return c, err
	}
	return l.read(id)
}

func (l *lists) SaveReport(_ context.Context, id string, step int, r finding.Report) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reports[id] == nil {
		l.reports[id] = map[int]finding.Report{}
	}
	l.reports[id][step] = r
	return nil
}

func (l *lists) Report(_ context.Context, id string, step int) (finding.Report, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.reports[id][step]
	if !ok {
		return r, approval.ErrNotFound
	}
	return r, nil
}

func (l *lists) FollowRequest(_ context.Context, id string, step int, key string) (string, error) {
	l.rows.mu.Lock()
	request, ok := l.rows.keys[key]
	l.rows.mu.Unlock()
	if !ok {
		return "", approval.ErrNotFound
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.following[request] = place{id, step}
	return request, nil
}

func (l *lists) Following(_ context.Context, request string) (string, int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.following[request]
	if !ok {
		return "", 0, approval.ErrNotFound
	}
	return p.id, p.step, nil
}

// answers answers steps: what their operation is called is the check's line. Placeholders are filled from the catalogue, from what was given and
// from pods, which stand for what the cluster knows.
type answers struct {
	pods []string
	// found is the status by operation; OK for the others. broken operations panic.
	found  map[string]finding.Status
	broken string
	// binding and running, when not nil, are called before the answer.
	binding func()
	running func(step runbook.Step)

	mu  sync.Mutex
	ran []string
}

func (c *answers) Bind(_ context.Context, svc catalog.Service, step runbook.Step, given runbook.Values) ([]runbook.Step, []runbook.Hole, error) {
	if c.binding != nil {
		c.binding()
	}
	values := runbook.ServiceValues(svc)
	for name, v := range given {
		values[name] = v
	}
	var missing []runbook.Hole
	pods := []string{""}
	for _, h := range step.Holes() {
		switch {
		case h.Name == "pod-name" && values["pod-name"] == "":
			pods = c.pods
		case values[h.Name] == "":
			missing = append(missing, h)
		}
	}
	if len(missing) > 0 {
		return nil, missing, nil
	}
	var out []runbook.Step
	for _, p := range pods {
		if p != "" {
			values["pod-name"] = p
		}
		one, err := runbook.Bind(step, svc, values)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, one)
	}
	return out, nil, nil
}

func (c *answers) Run(_ context.Context, _ catalog.Service, step runbook.Step) finding.Report {
	name := step.Operation.String()
	if c.running != nil {
		c.running(step)
	}
	if name == c.broken {
		panic("broken")
	}
	c.mu.Lock()
	c.ran = append(c.ran, name+" "+step.Operation.Get("name"))
	c.mu.Unlock()
	status, ok := c.found[name]
	if !ok {
		status = finding.OK
	}
	return finding.Report{Finding: finding.Finding{Check: "step", Status: status, Line: redact.F("%s %s seen", name, step.Operation.Get("name"))}, Raw: redact.F("raw of %s", name)}
}

// forms records the forms that were shown.
type forms struct {
	late bool // the trigger is over

	mu     sync.Mutex
	opened []card.Form
}

func (f *forms) Open(_ context.Context, _ string, form card.Form) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.late {
		return "", errors.New("expired_trigger_id")
	}
	f.opened = append(f.opened, form)
	return "V1", nil
}

func (f *forms) Change(_ context.Context, _ string, form card.Form) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened = append(f.opened, form)
	return nil
}

// book is what the tests work through: two phases, one step of each class.
const book = "# Down Runbook\n\n## Look\n\n### Pods\n\n" +
	"```bash\n# The pods\nkubectl get pods -l app=<service-name>\n# The worst pods\nkubectl describe pod <pod-name>\n# One node\nkubectl describe node <node-name>\n```\n\n" +
	"## Act\n\n```bash\n# Restart it\nkubectl rollout restart deployment/<deployment-name>\n# Scale it\nkubectl scale deployment/<deployment-name> --replicas=<desired-count>\n" +
	"# Tell people\ncurl -X POST -H 'Content-type: application/json' --data '{\"text\":\"<service-name> is down\\nwe look\"}' $SLACK_WEBHOOK_URL\n" +
	"# Change by hand\nkubectl edit deployment/<deployment-name>\n# Never\nrm -rf /\n```\n\n" +
	"## Related\n\n- [Small](./small.md)\n- [Gone](gone.md)\n- [Dashboard](https://grafana.example.com)\n"

// desk is a bundle with runbooks.
type desk struct {
	*testBundle
	lists  *lists
	checks *answers
	forms  *forms
	id     string // of the checklist
}

func opened(t *testing.T) *desk {
	t.Helper()
	b := &desk{testBundle: setup(t), checks: &answers{pods: []string{"backend-1", "backend-2"}, found: map[string]finding.Status{}}, forms: &forms{}}
	b.lists = newLists(b.rows)
	b.Config.Checks, b.Config.Forms, b.Config.Checklists, b.Config.Reports, b.Config.Followed = b.checks, b.forms, b.lists, b.lists, b.lists
	b.Config.Runbooks = library(t, map[string]string{"down.md": book, "small.md": smallBook}, "")
	if c := b.says(t, "alice", "runbook down backend"); c.State == card.Refused {
		t.Fatalf("not opened: %s", c.Verdict)
	}
	for id := range b.lists.stored {
		b.id = id
	}
	return b
}

// list is the checklist as it is stored.
func (b *desk) list(t *testing.T) checklist.Checklist {
	t.Helper()
	c, err := b.lists.Checklist(t.Context(), b.id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pageNow is the newest card of a page (0 is the first message).
func (b *desk) pageNow(t *testing.T, n int) card.Card {
	t.Helper()
	at := b.list(t).Places[n]
	var out card.Card
	for _, m := range b.chat.all() {
		if m.at.Message == at.Message && (m.op == "say" || m.op == "update") {
			out = m.card
		}
	}
	return out
}
