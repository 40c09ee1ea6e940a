package handlers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// probes answers the probes with 1, 2, 3…; one URL is asked by one goroutine.
type probes struct {
	n      int
	answer func(n int) finding.Finding
}

func (p *probes) Certificate(context.Context, string) (finding.Certificate, bool) {
	return finding.Certificate{}, false
}

func (p *probes) Probe(context.Context, string) finding.Finding {
	p.n++
	return p.answer(p.n)
}

func counting(answer func(n int) finding.Finding) *probes { return &probes{answer: answer} }

func took(d time.Duration) finding.Finding {
	return finding.Finding{Check: "health", Status: finding.OK, Line: redact.Const("answers 200"), Took: d}
}

func TestPerfCountsAndDraws(t *testing.T) {
	t.Parallel()
	failed := finding.Finding{Check: "health", Status: finding.Fail, Line: redact.Const("shop.example.com answers 503"), Took: 5 * time.Millisecond}
	for name, c := range map[string]struct {
		answer func(n int) finding.Finding
		text   string
		state  card.State
		says   []string
		row    string
	}{
		"all is well": {func(n int) finding.Finding { return took(time.Duration(n) * 10 * time.Millisecond) }, "perf backend", card.OK,
			[]string{"backend answers: half of 20 probes", "at most 100ms", "90% at most 180ms", "none failed"}, "100ms 180ms 200ms 200ms 0 of 20"},
		"two failed": {func(n int) finding.Finding {
			if n%5 == 0 {
				return failed
			}
			return took(20 * time.Millisecond)
		}, "perf backend --count 10", card.Warn, []string{"2 of 10 probes", "failed"}, "20ms 20ms 20ms 20ms 2 of 10"},
		"all failed": {func(int) finding.Finding { return failed }, "perf backend --count 5", card.Fail, []string{"backend does not answer: 5 of 5"}, "– – – – 5 of 5"},
		"it is slow": {func(int) finding.Finding { return took(1500 * time.Millisecond) }, "perf backend --count 2", card.Warn, []string{"answers slowly"}, "1.5s 1.5s 1.5s 1.5s 0 of 2"},
		"it is not asked at all": {func(int) finding.Finding {
			return finding.Finding{Status: finding.Unknown, Line: redact.Const("was not asked: no health URL of the catalogue"), Fix: redact.Const("Add it.")}
		}, "perf backend", card.Fail, []string{"1 of 1 probes"}, "– – – – 1 of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setup(t)
				b.catalog.Services[0].Health = []string{"https://shop.example.com/health"}
				b.Config.Probe = counting(c.answer)
				b.says(t, "alice", c.text)
				got, _, file := b.last(t)
				if got.State != c.state {
					t.Errorf("got %s, want %s", got.State, c.state)
				}
				if lack := lacks(got.Verdict.String(), c.says...); lack != nil {
					t.Errorf("%q lacks %q", got.Verdict, lack)
				}
				var cells []string
				for _, cell := range got.Parts[0].Table.Rows[0][1:] {
					cells = append(cells, cell.String())
				}
				if row := strings.Join(cells, " "); row != c.row {
					t.Errorf("got %q, want %q", row, c.row)
				}
				if file.MIME() != "image/png" || !strings.HasSuffix(file.Name, ".png") || !strings.HasPrefix(string(file.Bytes()), "\x89PNG") {
					t.Errorf("got the file %q of type %s", file.Name, file.MIME())
				}
			})
		})
	}
}

func TestPerfEndsInTimeAndSaysWhatItLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.catalog.Services[0].Health = []string{"https://shop.example.com/health"}
		b.Config.Probe = counting(func(int) finding.Finding { time.Sleep(5 * time.Second); return took(5 * time.Second) })
		begin := time.Now()
		b.says(t, "alice", "perf backend --count 50")
		if d := time.Since(begin); d > 31*time.Second {
			t.Errorf("took %s", d)
		}
		got, _, _ := b.last(t)
		if lack := lacks(redact.Join("\n", got.Notes...).String(), "of 50 probes within 25s"); lack != nil {
			t.Errorf("%v lacks %q", got.Notes, lack)
		}
	})
}

func TestPerfAsksTheDatabaseBelowWhatItIsBusyWith(t *testing.T) {
	t.Parallel()
	b, a := triaging(t)
	a.answers["exec psql"] = answered(finding.Finding{Check: "exec psql", Status: finding.Warn, Line: redact.Const("40 connections: 3 wait for a lock")})
	b.says(t, "alice", "perf backend")
	got, _, file := b.last(t)
	if got.State != card.Warn || !strings.Contains(got.Verdict.String(), "3 wait for a lock") || !file.Image.Empty() {
		t.Errorf("got %s %q and the file %q", got.State, got.Verdict, file.Name)
	}
	if len(a.ran) != 1 || !strings.HasPrefix(a.ran[0], "postgres: exec psql") {
		t.Errorf("ran %q", a.ran)
	}
}

func TestPerfRefusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"perf":                     "Which service?",
		"perf backend":             "names no health URL of backend",
		"perf backend --count 999": "must be a number from 2 to 50",
		"perf backend --count x":   "must be a number from 2 to 50",
	} {
		b := setup(t)
		if got := b.says(t, "alice", text).Verdict.String(); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
		if fmt.Sprint(b.chat.in("COPS")) != "[]" {
			t.Errorf("%s: something was said to all", text)
		}
	}
}
