package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/redact"
)

// Count is what is known of an incident's alerts.
type Count struct {
	Known, Firing int
	Received      int64 // every delivery, repetitions included
}

// Postmortem drafts the postmortem from what was recorded, as Markdown: what is known is filled in, what only people know is asked for. Text
// of others cannot begin a heading or a list of ours.
func Postmortem(i Incident, events []Event, alerts Count, items []ActionItem) redact.Text {
	var b document
	b.line("# Postmortem: %s", quoted(i.Title))
	b.line("")
	b.line("| | |")
	b.line("|---|---|")
	b.row("Incident", redact.F("%s, severity %d, %s", i.ID, i.Severity, i.State))
	if i.Service != "" {
		b.row("Service", redact.F("%s", i.Service))
	}
	b.row("Detected", at(i.Times.Detected))
	b.row("Acknowledged", reached(i.Times.Detected, i.Times.Acknowledged))
	b.row("Mitigated", mitigated(i))
	b.row("Resolved", reached(i.Times.Detected, i.Times.Resolved))
	for _, r := range Roles() {
		if p := i.Roles[r]; p != "" {
			b.row(titled(string(r)), redact.F("%s", p))
		}
	}
	b.row("People", redact.F("%s", or(strings.Join(i.People, ", "), "nobody was brought in")))
	if alerts.Known > 0 {
		b.row("Alerts", redact.F("%d, delivered %d times; %d still firing when this was drafted", alerts.Known, alerts.Received, alerts.Firing))
	}

	b.section("Summary")
	b.line("%s", summary(i))
	b.ask("Say in two sentences, for somebody who was not there: what broke, for whom, and what ended it.")
	b.section("Impact")
	if d, ok := i.Times.ToResolve(); ok {
		b.line("It lasted %s.", Span(d))
	}
	b.ask("Who noticed what? How many requests, orders or people? What did they see meanwhile?")
	b.section("Timeline")
	b.line("All times are UTC.")
	b.line("")
	day := ""
	for _, e := range inOrder(events) {
		if d := e.At.UTC().Format(time.DateOnly); d != day {
			if day != "" {
				b.line("")
			}
			day = d
			b.line("**%s**", d)
			b.line("")
		}
		b.line("- `%s` **%s**: %s", e.At.UTC().Format(time.TimeOnly), quoted(redact.F("%s", e.By)), quoted(e.Text))
	}
	b.section("Root cause")
	if !i.Verdict.Empty() {
		b.line("What the checks said last, at %s: %s", at(i.VerdictAt), quoted(i.Verdict))
	}
	b.ask("What in the system made this possible? Name the condition, not a person.")
	b.section("Five whys")
	for n, why := range []string{"Why did people notice it?", "Why did that happen?", "Why was that possible?", "Why did nothing stop it?", "Why had nobody known?"} {
		b.line("%d. %s …", n+1, why)
	}
	b.section("What went well")
	if d, ok := i.Times.ToAcknowledge(); ok {
		b.line("- Somebody had taken it after %s.", Span(d))
	}
	for _, e := range inOrder(events) {
		if e.Kind == KindChange && strings.HasSuffix(e.Op, ":succeeded") {
			b.line("- %s", quoted(e.Text))
		}
	}
	b.line("- …")
	b.section("What went badly")
	for _, e := range inOrder(events) {
		late := e.Kind == KindEscalation && e.By == "svcdown" && !strings.HasPrefix(e.Op, "level:1:1")
		if late || e.Kind == KindChange && (strings.HasSuffix(e.Op, ":failed") || strings.HasSuffix(e.Op, ":unknown")) {
			b.line("- %s", quoted(e.Text))
		}
	}
	b.line("- …")
	b.section("Action items")
	b.line("| what | who | until |")
	b.line("|---|---|---|")
	for _, a := range items {
		b.line("| %d. %s | %s | %s |", a.ID, quoted(a.Text), a.Owner, a.Until())
	}
	b.line("| … | … | … |")
	b.section("Lessons for the runbook")
	for _, e := range inOrder(events) {
		if e.Kind == KindLesson {
			b.line("- %s", quoted(e.Text))
		}
	}
	b.ask("Which step was missing, wrong or too slow? Which check would have told it sooner?")
	return b.text()
}

func summary(i Incident) redact.Text {
	what := redact.F("“%s”", quoted(i.Title))
	if i.Service != "" {
		what = redact.F("%s (%s)", i.Service, quoted(i.Title))
	}
	if d, ok := i.Times.ToResolve(); ok {
		return redact.F("%s was down or impaired for %s.", what, Span(d))
	}
	return redact.F("%s is not resolved yet.", what)
}

// document collects lines; it is cleaned once, as a whole, when it is done.
type document struct{ strings.Builder }

func (d *document) line(format string, args ...any) {
	fmt.Fprintf(d, format, args...)
	d.WriteByte('\n')
}

func (d *document) row(label string, value redact.Text) { d.line("| %s | %s |", label, quoted(value)) }

func (d *document) section(title string) { d.line("\n## %s\n", title) }

// ask stands in a paragraph of its own, apart from what was filled in.
func (d *document) ask(question string) {
	if !strings.HasSuffix(d.String(), "\n\n") {
		d.line("")
	}
	d.line("_%s_", question)
}

func (d *document) text() redact.Text { return redact.Clean(d.String()) }

func at(t time.Time) redact.Text { return redact.F("%s UTC", t.UTC().Format("2006-01-02 15:04:05")) }

func reached(from, to time.Time) redact.Text {
	d, ok := since(from, to)
	if !ok {
		return redact.Const("not yet")
	}
	return redact.F("%s, after %s", at(to), Span(d))
}

// mitigated says also what did it.
func mitigated(i Incident) redact.Text {
	when := reached(i.Times.Detected, i.Times.Mitigated)
	if i.Fix != "" {
		return redact.F("%s, by %s", when, i.Fix)
	}
	return when
}

func inOrder(events []Event) []Event {
	out := slices.Clone(events)
	slices.SortStableFunc(out, func(a, b Event) int { return a.At.Compare(b.At) })
	return out
}

func titled(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
