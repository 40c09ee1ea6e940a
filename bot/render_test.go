package bot

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

var update = flag.Bool("update", false, "write the golden files anew")

func cards() map[string]card.Card {
	pods := &finding.Table{
		Columns: []redact.Text{redact.Const("Pod"), redact.Const("Ready"), redact.Const("Restarts"), redact.Const("Why")},
		Rows: [][]redact.Text{
			{redact.Const("backend-7c9d-x2x"), redact.Const("no"), redact.Const("7"), redact.Const("exit 137 OOMKilled")},
			{redact.Const("backend-7c9d-q8z"), redact.Const("yes"), redact.Const("0"), {}},
		},
	}
	return map[string]card.Card{
		"status": {
			Title: redact.Const("backend · prod/web3-marketplace-prod"), State: card.Fail,
			Verdict: redact.Const("2 of 3 pods crash since 14:02, exit 137 OOMKilled, after rollout 7"),
			Parts: []card.Part{{Findings: []finding.Finding{
				{Check: "pods", Status: finding.Fail, Line: redact.Const("2 of 3 are not ready")},
				{Check: "rollout", Status: finding.Warn, Line: redact.Const("revision 7, 12 minutes ago")},
				{Check: "usage", Status: finding.Unknown, Line: redact.Const("the metrics API does not answer"), Fix: redact.Const("Install metrics-server.")},
				{Check: "endpoints", Status: finding.OK, Line: redact.Const("1 address")},
			}}},
			Buttons: []card.Button{
				{Label: redact.Const("Roll back to revision 6 (backend 2.8.0)…"), Verb: "rollback", Value: "backend --revision 6", Style: card.Primary},
				{Label: redact.Const("Logs"), Verb: "logs", Value: "backend"},
			},
			Notes: []redact.Text{redact.Const("6 checks in 84 ms")},
		},
		"checklist": {
			Title: redact.Const("backend · C-7K3MQX"), State: card.Fail, Verdict: redact.Const("Immediate Actions (0-5 minutes): 2 of 3 done, 1 failing"),
			Parts: []card.Part{
				{Text: redact.Const("1. ASSESS IMPACT")},
				{Item: &card.Item{Line: redact.Const("1. Check service status"), More: redact.Const("kubectl get pods -l app=<service-name>"),
					Buttons: []card.Button{{Label: redact.Const("Run"), Verb: "step", Value: "C-7K3MQX 1 run"}}}},
				{Item: &card.Item{Mark: card.MarkFail, Line: redact.Const("2. Check recent events"), More: redact.Const("<!channel> 2 of 3 pods crash · alice at 14:02 UTC"),
					Buttons: []card.Button{{Label: redact.Const("Run again"), Verb: "step", Value: "C-7K3MQX 2 run"}, {Label: redact.Const("Raw output"), Verb: "step", Value: "C-7K3MQX 2 output"}}}},
				{Item: &card.Item{Mark: card.MarkDone, Line: redact.Const("3. Tell people"), More: redact.Const("done by bob at 14:05 UTC")}},
				{Links: []card.Link{{Text: redact.Const("Grafana"), URL: "https://grafana.example.com/d/1"}, {Text: redact.Const("no"), URL: "javascript:alert(1)"}}},
			},
			Buttons: []card.Button{{Label: redact.Const("Run all checks"), Verb: "step", Value: "C-7K3MQX p1 run", Style: card.Primary}},
		},
		"running": {Title: redact.Const("backend"), State: card.Running, Verdict: redact.Const("Checking backend: 2 checks are back after 1 s")},
		"approval": {
			Title: redact.Const("restart of backend"), State: card.Waiting, Verdict: redact.Const("R-7K3MQX: alice asks to restart backend: waiting for @bob or @carol"),
			Mentions: []string{"U0BOB00001", "not an account"},
			Parts: []card.Part{
				{Facts: []card.Fact{
					{Label: redact.Const("Object"), Value: redact.Const("deployment/backend-deployment in prod/web3")},
					{Label: redact.Const("Ready"), Value: redact.Const("1 of 3")},
				}},
				{Code: &card.Code{Title: redact.Const("What changes"), Lang: "diff", Text: redact.Const("-  restartedAt: <none>\n+  restartedAt: 2026-01-01")}},
			},
			Buttons: []card.Button{
				{Label: redact.Const("Approve"), Verb: "approve", Value: "R-7K3MQX|sha256:ab", Style: card.Primary, Confirm: &card.Confirm{Title: redact.Const("Restart backend?"), Body: redact.Const("One pod after the other."), Yes: redact.Const("Approve")}},
				{Label: redact.Const("Deny"), Verb: "deny", Value: "R-7K3MQX", Style: card.Danger, Confirm: &card.Confirm{}},
			},
		},
		"evidence": {Title: redact.Const("Details of backend"), State: card.Neutral, Verdict: redact.Const("What the checks of backend saw"),
			Parts: []card.Part{{Text: redact.Const("Likely: out of memory\nFor: exit 137")}, {Table: pods}}},
		"triage": {
			Title: redact.Const("Triage of backend · prod/web3-marketplace-prod"), State: card.Fail,
			Verdict: redact.Const("2 of 3 pods crash since 14:02, exit 1, after rollout 7; and: redis, on which backend depends: Redis does not answer"),
			Parts: []card.Part{
				{Text: redact.Const("• all crashing pods belong to revision 7\nWhat helps: roll back to revision 6 (backend 2.8.0)")},
				{Text: redact.Const("2. redis, on which backend depends: Redis does not answer\n    against: Redis answers")},
				{Text: redact.Const("Changed before it began")},
				{Facts: []card.Fact{{Label: redact.Const("rollout 7 at 14:01 by helm"), Value: redact.Const("image backend 2.8.0 → 2.8.17; env added: FLAG")}}},
				{Findings: []finding.Finding{{Check: "exec redis-cli ping", Status: finding.Fail, Line: redact.Const("Redis at redis-master-service cannot be reached")}}},
				{Text: redact.Const("Looked at and well: all nodes under its pods are ready; the database answers.")},
			},
			Buttons: []card.Button{{Label: redact.Const("Roll back to revision 6 (backend 2.8.0)…"), Verb: "rollback", Value: "backend --revision 6", Style: card.Primary}, {Label: redact.Const("Triage redis"), Verb: "triage", Value: "redis"}},
			Notes:   []redact.Text{redact.Const("49 checks in 1.2 s, 2 could not answer (why: in the thread)")},
		},
		"changes": {
			Title: redact.Const("Changes of backend · prod/web3-marketplace-prod"), State: card.Neutral,
			Verdict: redact.Const("Last change before the trouble: rollout 7 at 14:01 by helm: image backend 2.8.0 → 2.8.17; env added: FLAG, 3 min before it began"),
			Parts: []card.Part{{Facts: []card.Fact{
				{Label: redact.Const("request R-7K3MQX at 14:06 by svcdown"), Value: redact.Const("roll back asked by alice, approved by bob: done and verified")},
				{Label: redact.Const("rollout 7 at 14:01 by helm"), Value: redact.Const("image backend 2.8.0 → 2.8.17; env added: FLAG")},
			}}},
			Buttons: []card.Button{{Label: redact.Const("Status"), Verb: "status", Value: "backend"}},
			Notes:   []redact.Text{redact.Const("Argo CD application shop owns it: lasting changes belong there"), redact.Const("not known: nodes: forbidden")},
		},
		"help": {Title: redact.Const("What you can ask"), State: card.Neutral, Verdict: redact.Const("Type status SERVICE first"),
			Parts: []card.Part{{Table: &finding.Table{Columns: []redact.Text{redact.Const("Command"), redact.Const("What it does")}, Rows: [][]redact.Text{
				{redact.Const("logs SERVICE [--previous] [--tail N] [--container C] [--pod P]"), redact.Const("the logs of its worst pod")},
				{redact.Const("status SERVICE"), redact.Const("what is wrong with a service")}}}}}},
		"hostile": {
			Title: redact.Const("<!channel> & co"), State: card.Warn, Verdict: redact.Const("<!channel> *bold* `code` \u202e\u200b \x1b[31mred\x1b[0m\nsecond line"),
			Parts: []card.Part{{Code: &card.Code{Text: redact.Const("```<!here>``` <@U0BOB00001> \x00\x07 & &amp;\tend")}}},
			Notes: []redact.Text{redact.Const("<!everyone>")},
		},
		"home":  home(),
		"empty": {},
	}
}

func TestCardsAsBlockKit(t *testing.T) {
	t.Parallel()
	for name, c := range cards() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := render(c)
			if wrong := limits(m); wrong != "" {
				t.Error(wrong)
			}
			got, err := json.MarshalIndent(map[string]any{"text": m.text, "blocks": m.blocks}, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v; write it with: go test ./bot -update", err)
			}
			if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
				t.Errorf("%s (-want +got; go test ./bot -update):\n%s", file, diff)
			}
		})
	}
}

func TestEveryStateHasASignOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]card.State{}
	for _, s := range []card.State{card.Neutral, card.Running, card.Waiting, card.OK, card.Warn, card.Fail, card.Refused} {
		if other, taken := seen[mark(s)]; taken {
			t.Errorf("%s and %s look the same", s, other)
		}
		seen[mark(s)] = s
	}
}

func TestCutCardsKeepTheEndOfALogAndTheBeginningOfADiff(t *testing.T) {
	t.Parallel()
	long := "FIRST\n" + strings.Repeat("a line\n", 5000) + "LAST"
	for name, c := range map[string]struct{ lang, kept, gone string }{
		"a log":  {"", "LAST", "FIRST"},
		"a diff": {"diff", "FIRST", "LAST"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := render(card.Card{Parts: []card.Part{{Code: &card.Code{Lang: c.lang, Text: redact.F("%s", long)}}}})
			raw, err := json.Marshal(m.blocks)
			if err != nil {
				t.Fatal(err)
			}
			if s := string(raw); !strings.Contains(s, c.kept) || strings.Contains(s, c.gone) {
				t.Errorf("kept %q: %v, kept %q: %v", c.kept, strings.Contains(s, c.kept), c.gone, strings.Contains(s, c.gone))
			}
			if m.overflow == nil || !strings.Contains(m.overflow.Content.String(), "FIRST") || !strings.Contains(m.overflow.Content.String(), "LAST") {
				t.Error("the file does not have all of it")
			}
		})
	}
}

func FuzzRenderStaysWithinSlacksLimits(f *testing.F) {
	f.Add("<!channel>", 3, 3)
	f.Add("", 0, 0)
	f.Add(strings.Repeat("ü", 500), 60, 30)
	f.Add("\x00\xff\u200b\n", 1, 200)
	f.Fuzz(func(t *testing.T, s string, n, many int) {
		n, many = min(max(n, 0), 60), min(max(many, 0), 40)
		text := redact.Clean(strings.Repeat(head(s, 1000), 1+many%5))
		c := card.Card{Title: text, Verdict: text, State: card.State(s)}
		for i := range n {
			c.Parts = append(c.Parts, part(i, text, many))
			c.Buttons = append(c.Buttons, card.Button{Label: text, Verb: s, Value: s, Style: card.Style(s), Confirm: &card.Confirm{Title: text, Body: text, Yes: text}})
			c.Notes, c.Mentions = append(c.Notes, text), append(c.Mentions, s)
		}
		m := render(c)
		if wrong := limits(m); wrong != "" {
			t.Error(wrong)
		}
		if wrong := limits(m.bare()); wrong != "" {
			t.Errorf("bare: %s", wrong)
		}
	})
}

func part(i int, text redact.Text, many int) card.Part {
	switch i % 5 {
	case 0:
		return card.Part{Text: text}
	case 1:
		return card.Part{Code: &card.Code{Title: text, Text: text}}
	case 2:
		p := card.Part{}
		for range many {
			p.Facts = append(p.Facts, card.Fact{Label: text, Value: text})
		}
		return p
	case 3:
		p := card.Part{}
		for range many {
			p.Findings = append(p.Findings, finding.Finding{Check: text.String(), Line: text, Fix: text})
		}
		return p
	default:
		t := &finding.Table{Columns: []redact.Text{text, text}}
		for range many {
			t.Rows = append(t.Rows, []redact.Text{text, text})
		}
		return card.Part{Table: t}
	}
}

// limits says what Slack would refuse about a message, read back from what goes over the wire.
func limits(m message) string {
	raw, err := json.Marshal(m.blocks)
	if err != nil {
		return err.Error()
	}
	var blocks []map[string]any
	if err := json.Unmarshal(raw, &blocks); err != nil {
		return err.Error()
	}
	l := &limiter{ids: map[string]bool{}}
	l.check(len(m.text) > 0 && len(m.text) <= maxText && utf8.ValidString(m.text), "text")
	l.check(len(blocks) >= 1 && len(blocks) <= 50, "number of blocks")
	for _, b := range blocks {
		l.walk(b["type"].(string), b)
	}
	l.check(l.total <= 13_200, "total of all text")
	return strings.Join(l.wrong, "; ")
}

type limiter struct {
	ids   map[string]bool
	total int
	wrong []string
}

func (l *limiter) check(ok bool, what string) {
	if !ok {
		l.wrong = append(l.wrong, "beyond the limit: "+what)
	}
}

func (l *limiter) walk(where string, v any) {
	switch v := v.(type) {
	case []any:
		l.check(len(v) > 0 && (where != "actions" || len(v) <= 25) && (where != "context" || len(v) <= 10), "items of "+where)
		for _, e := range v {
			l.walk(where, e)
		}
	case map[string]any:
		if id, ok := v["action_id"].(string); ok {
			l.check(!l.ids[id] && len(id) <= 255 && id != "", "action_id")
			l.ids[id] = true
		}
		if s, ok := v["text"].(string); ok {
			l.total += len(s)
			limit := map[string]int{"header": 150, "button": 75, "context": 2000}[where]
			l.check(s != "" && (limit == 0 || utf8.RuneCountInString(s) <= limit), "text in "+where)
			l.check(v["type"] != slack.MarkdownType, "Markdown in "+where)
		}
		if s, ok := v["value"].(string); ok {
			l.check(len(s) <= 2000, "value")
		}
		if c, ok := v["confirm"].(map[string]any); ok && where != "confirm" {
			for name, limit := range map[string]int{"title": 100, "text": 300, "confirm": 30, "deny": 30} {
				o, _ := c[name].(map[string]any)
				s, _ := o["text"].(string)
				l.total += len(s)
				l.check(s != "" && utf8.RuneCountInString(s) <= limit, "confirm "+name)
			}
		}
		inside := where
		if v["type"] == "button" {
			inside = "button"
		}
		for name, e := range v {
			if name == "confirm" {
				continue
			}
			l.walk(inside, e)
		}
	}
}
