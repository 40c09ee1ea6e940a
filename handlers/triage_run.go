package handlers

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/diagnose"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

const (
	// triageTime bounds all of a triage; what has not answered by then is unknown.
	triageTime = 8 * time.Second
	// atOnceSteps is how many steps of one triage run at the same time.
	atOnceSteps = 12
	// triageBook is the runbook whose reading steps a triage runs.
	triageBook = "service-down"
)

// examined is all that a triage found out.
type examined struct {
	diagnose.Case
	changes finding.Changes
	// unchanged says why nothing is known of changes, nil when something is.
	unchanged error
	// ran are the steps with their answers, in the runbook's order, those of the services below after the service's own.
	ran []ranStep
}

// ranStep is one step of a runbook and what it answered.
type ranStep struct {
	svc    catalog.Service
	number int    // of the step in its runbook
	object string // of several that a placeholder stood for, the one that was asked
	source string
	report finding.Report
}

// examine asks everything at once: the status checks, what changed, the runbook's reading steps, and the same of the services that it depends on,
// one level down. It returns within [triageTime] and a moment, whatever hangs. each is called for every finding as it comes.
func (d *Desk) examine(ctx context.Context, may leave, cl Reader, svc catalog.Service, each func(finding.Finding)) examined {
	ctx, cancel := context.WithTimeout(ctx, triageTime)
	defer cancel()
	out := examined{Case: diagnose.Case{Service: svc}}
	var asking sync.WaitGroup
	below := d.below(svc)
	words := make([][]finding.Finding, 1+len(below)) // before a crash; the service's own first
	asking.Go(func() {
		out.Findings = d.check(ctx, cl, svc, each)
		if f, ok := d.lastWords(ctx, cl, svc, out.Findings); ok {
			words[0] = []finding.Finding{f}
			each(f)
		}
	})
	asking.Go(func() {
		out.unchanged = d.safeRead("read the changes", func() (err error) {
			out.changes, err = d.changesOf(ctx, cl, svc, defaultSpan)
			return err
		})
		out.Changes = out.changes.List
	})
	run := d.stepRun(may, each)
	ownSteps := run.start(ctx, svc, triageSteps(d.book(), svc, false))
	out.Below = make([]diagnose.Case, len(below))
	belowSteps := make([]func() []ranStep, len(below))
	for i, s := range below {
		out.Below[i].Service = s
		belowSteps[i] = run.start(ctx, s, triageSteps(d.book(), s, true))
		asking.Go(func() {
			their, err := d.Clusters(s.Cluster)
			if err != nil {
				return // its steps say so
			}
			out.Below[i].Findings = d.check(ctx, their, s, func(f finding.Finding) {
				each(of(s, f))
			})
			if f, ok := d.lastWords(ctx, their, s, out.Below[i].Findings); ok {
				words[i+1] = []finding.Finding{f}
			}
		})
	}
	out.ran = ownSteps()
	out.Steps = findingsOf(out.ran)
	for i := range below {
		ran := belowSteps[i]()
		out.Below[i].Steps = findingsOf(ran)
		out.ran = append(out.ran, ran...)
	}
	asking.Wait()
	out.Steps = append(out.Steps, words[0]...)
	for i := range below {
		out.Below[i].Steps = append(out.Below[i].Steps, words[i+1]...)
	}
	return out
}

// below are the services that a service depends on.
func (d *Desk) below(svc catalog.Service) []catalog.Service {
	var out []catalog.Service
	for _, name := range svc.DependsOn {
		if s, ok := d.Catalog().Service(name); ok && s.Name != svc.Name {
			out = append(out, s)
		}
	}
	return out
}

// book is the runbook of triage, nil when there is none.
func (d *Desk) book() *runbook.Runbook {
	if d.Runbooks == nil || d.Checks == nil {
		return nil
	}
	b, _ := d.Runbooks.Named(triageBook)
	return b
}

// triageSteps are the reading steps of the phases "Immediate…" and "Investigation…" and of the sections for services of this kind; with only, of
// the latter alone.
func triageSteps(b *runbook.Runbook, svc catalog.Service, only bool) []runbook.Step {
	if b == nil {
		return nil
	}
	var out []runbook.Step
	for _, p := range b.For(svc).Phases {
		title := strings.ToLower(p.Title)
		first := strings.Contains(title, "immediate") || strings.Contains(title, "investigat")
		for _, s := range p.Sections {
			if s.AppliesTo == "" && (only || !first) {
				continue
			}
			for _, step := range s.Steps {
				if step.Class == runbook.Check {
					out = append(out, step)
				}
			}
		}
	}
	return out
}

// stepRun runs steps side by side, each command once.
type stepRun struct {
	desk  *Desk
	may   leave
	each  func(finding.Finding)
	slots chan struct{}
	mu    sync.Mutex
	asked map[string]bool
}

func (d *Desk) stepRun(may leave, each func(finding.Finding)) *stepRun {
	return &stepRun{desk: d, may: may, each: each, slots: make(chan struct{}, atOnceSteps), asked: map[string]bool{}}
}

// start begins with steps and returns how to wait for them, for no longer than ctx lasts. Those that the asker may not have run are one answer
// together, that says so.
func (r *stepRun) start(ctx context.Context, svc catalog.Service, list []runbook.Step) (wait func() []ranStep) {
	list, left, why := r.allowed(svc, list)
	answers := make([]chan []ranStep, len(list))
	for i, step := range list {
		answers[i] = make(chan []ranStep, 1)
		go func() { answers[i] <- r.one(ctx, svc, step) }()
	}
	return func() []ranStep {
		var out []ranStep
		if left > 0 {
			out = append(out, ranStep{svc: svc, source: "kubectl exec …", report: finding.Report{Finding: withheld(left, why)}})
		}
		for i, step := range list {
			select {
			case a := <-answers[i]:
				out = append(out, a...)
			case <-ctx.Done():
				select {
				case a := <-answers[i]:
					out = append(out, a...)
				case <-time.After(grace):
					out = append(out, ranStep{svc: svc, source: step.Source, report: late(step)})
				}
			}
		}
		return out
	}
}

// allowed are the steps that the asker may have run, with how many they may not and why.
func (r *stepRun) allowed(svc catalog.Service, list []runbook.Step) (may []runbook.Step, left int, why error) {
	for _, step := range list {
		if err := r.may(svc, step); err != nil {
			left, why = left+1, err
			continue
		}
		may = append(may, step)
	}
	return may, left, why
}

// maxStepName is how much of a step's title names its finding.
const maxStepName = 60

// grace is what a step has to notice that its time is over.
const grace = 20 * time.Millisecond

func late(step runbook.Step) finding.Report {
	return finding.Report{Finding: finding.Finding{Check: step.Operation.String(), Line: redact.F("No answer within %s.", triageTime), Fix: redact.F("Ask again, or run it by hand: %s", step.Source)}}
}

// one binds a step and runs what becomes of it: a placeholder may stand for several pods.
func (r *stepRun) one(ctx context.Context, svc catalog.Service, step runbook.Step) []ranStep {
	answer := func(object, source string, rep finding.Report) ranStep {
		if rep.Finding.Check == "" || rep.Finding.Check == "step" {
			rep.Finding.Check = step.Operation.String()
		}
		if command := step.Operation.Get("command"); command != "" {
			rep.Finding.Check += " " + strings.ToLower(command) // several commands of one program
		}
		rep.Finding.Title = redact.F("%s", oneLine(step.Title)).Short(maxStepName)
		return ranStep{svc: svc, number: step.Number, object: object, source: source, report: rep}
	}
	var bound []runbook.Step
	var missing []runbook.Hole
	if err := r.desk.safeRead("bind a step", func() (err error) {
		bound, missing, err = r.desk.Checks.Bind(ctx, svc, step, nil)
		return err
	}); err != nil {
		return []ranStep{answer("", step.Source, finding.Report{Finding: finding.Finding{Line: redact.F("Not run: %v", err), Fix: redact.F("Run it by hand: %s", step.Source)}})}
	}
	if len(missing) > 0 {
		return []ranStep{answer("", step.Source, finding.Report{Finding: finding.Finding{Line: redact.F("Not run: nobody said what %s is.", missing[0].Written), Fix: redact.F("Run it by hand: %s", step.Source)}})}
	}
	var out []ranStep
	for _, b := range bound {
		if !r.first(svc, b) {
			continue
		}
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
			return append(out, ranStep{svc: svc, source: b.Source, report: late(b)})
		}
		var rep finding.Report
		err := r.desk.safeRead("run a step", func() error {
			rep = r.desk.runStep(ctx, r.may, svc, b)
			return nil
		})
		<-r.slots
		if err != nil {
			rep = finding.Report{Finding: finding.Finding{Line: redact.Const("The check broke off with a defect of svcdown's own; please report it."), Fix: redact.F("Run it by hand: %s", b.Source)}}
		}
		ran := answer(b.Operation.Get("name"), written(b), rep)
		r.each(ran.report.Finding)
		out = append(out, ran)
	}
	return out
}

// first reports whether nobody has asked this of the cluster in this triage.
func (r *stepRun) first(svc catalog.Service, s runbook.Step) bool {
	key := fmt.Sprintf("%s\x00%s\x00%s\x00%v\x00%v", svc.Cluster, s.Operation.Name, s.Operation.Kind, s.Operation.Args, s.Operation.Filters)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked[key] {
		return false
	}
	r.asked[key] = true
	return true
}

// written is a bound step as people read it: what was written, with the pods that a placeholder stood for.
func written(s runbook.Step) string {
	if name := s.Operation.Get("name"); name != "" && !strings.Contains(s.Source, name) {
		return s.Source + "   # " + name
	}
	return s.Source
}

func findingsOf(ran []ranStep) []finding.Finding {
	out := make([]finding.Finding, len(ran))
	for i, r := range ran {
		out[i] = r.report.Finding
	}
	return out
}

// safeRead runs read; a panic in it is an error and is logged, since it would end the bot.
func (d *Desk) safeRead(what string, read func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			d.Log.Error().Str("what", what).Interface("panic", p).Str("trace", string(debug.Stack())).Msg("a read panicked")
			err = fmt.Errorf("%s: panic: %v", what, p)
		}
	}()
	return read()
}
