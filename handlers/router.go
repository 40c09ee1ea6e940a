package handlers

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// Config is what the desk works with. Everything but Pager and Step is required.
type Config struct {
	Catalog   func() *catalog.Catalog
	Clusters  func(name string) (Cluster, error)
	Talk      Conversations
	Directory Directory
	Approvals Approvals
	Leases    Leases
	Cards     Cards
	Answers   Answers // nil: cards of before are left as they are
	Journal   Journal
	Ledger    Ledger
	Limits    Limits
	Probe     Prober
	Checks    Checks
	Runbooks  Runbooks
	Incidents Incidents
	Rooms     Rooms
	// Canvases is nil where there are none.
	Canvases Canvases
	// ActionItems and ItemReminders keep what people will do after an incident.
	ActionItems   ActionItems
	ItemReminders ItemReminders
	History       History
	// Checklists, Reports and Followed keep what has become of the steps of runbooks.
	Checklists Checklists
	Reports    Reports
	Followed   Followed
	// Forms asks people for values; nil where there are no forms.
	Forms   Asker
	Measure Measure
	Log     zerolog.Logger
	Now     func() time.Time
	// Settle is how long after a rollout no container may restart before the change counts as verified.
	Settle time.Duration
	// Pager wakes people; nil when none is set up: mentions and direct messages are the page then.
	Pager Pager
	// Acks says who took a page at the pager; only [Desk.AskPager] needs it.
	Acks PagerAcks
	// Shifts knows who is on call by PagerDuty; nil when it cannot be asked.
	Shifts Shifts
	// Health is what the watch of the health URLs remembers; only [Desk.WatchHealth] needs it.
	Health HealthMemory
	// Outside carries out the actions that change another system than Kubernetes; an action that is not here is not set up.
	Outside map[catalog.Action]Outside
	// Letters writes to stakeholders; nil without a mail server.
	Letters Letters
	// Firing knows what Alertmanager notifies of; nil without one.
	Firing FiringAlerts
	// Step is called at every numbered step of the execution protocol; tests stop the process there.
	Step func(name string)
}

// Desk answers people and carries out jobs. It holds no state that a restart could lose.
type Desk struct {
	Config
	verbs    []verb
	mu       sync.Mutex
	checking map[string]bool // service + place, while its status is being checked
	slots    chan struct{}   // bounds the status checks under way
}

// NewDesk makes a desk. It starts nothing.
func NewDesk(c Config) *Desk {
	if c.Step == nil {
		c.Step = func(string) {}
	}
	d := &Desk{Config: c, checking: map[string]bool{}, slots: make(chan struct{}, maxChecking)}
	d.verbs = d.table()
	return d
}

// Request is one thing that a person asked, from wherever it came.
type Request struct {
	Incoming
	Command
	Actor catalog.Actor
	Talk  Conversation
	// ownRights is true when nothing is read but what the asker's own kubeconfig may.
	ownRights bool
}

// verb is one thing that can be asked.
type verb struct {
	name, usage, summary string
	// changes is true when it asks for a change or decides one: such a command is stored before it is acknowledged.
	changes bool
	// open verbs answer everybody, also people who are in no catalogue.
	open bool
	// local verbs only read the cluster and work without the bot.
	local bool
	// most is how many words may follow, 0 for any number: a word too many of a change may be what somebody meant, so it is not left out.
	most int
	run  func(context.Context, Request) error
}

func (d *Desk) table() []verb {
	return []verb{
		{name: "status", usage: "status SERVICE", summary: "what is wrong with a service, in one sentence, with the evidence", local: true, run: d.status},
		{name: "triage", usage: "triage SERVICE", summary: "all reading steps of the runbook at once, then the likely causes with what helps", local: true, run: d.triage},
		{name: "changes", usage: "changes SERVICE [1h]", summary: "what changed around it, and by whom; the worst suspect first", local: true, run: d.changes},
		{name: "check", usage: "check SERVICE db|redis|deps|nodes|storage|network|config", summary: "one thing about it, by the fitting steps of the runbook", local: true, run: d.checkOne},
		{name: "verify", usage: "verify SERVICE", summary: "whether it is restored, with the dashboards' links", local: true, run: d.verifyService},
		{name: "perf", usage: "perf SERVICE [--count N]", summary: "how fast its health URLs answer, with a plot, and what its database is busy with", local: true, run: d.perf},
		{name: "harden", usage: "harden SERVICE", summary: "how well it is protected against its next outage: a score, and the YAML that mends each gap", local: true, run: d.harden},
		{name: "logs", usage: "logs SERVICE [--previous] [--tail N] [--container C] [--pod P]", summary: "the logs of its worst pod", local: true, run: d.logs},
		{name: "preflight", usage: "preflight NAME SERVICE [--set NAME=VALUE]", summary: "which steps of a runbook would not work, before any outage; changes nothing", run: d.preflight},
		{name: "runbooks", usage: "runbooks", summary: "the runbooks I know, and for which services", run: d.runbooks},
		{name: "runbook", usage: "runbook NAME SERVICE [--set NAME=VALUE]", summary: "open a runbook as a checklist: run its checks, ask for its actions, tick off the rest", changes: true, run: d.runbook},
		{name: "step", usage: "step ID N|pN|all run|output|ask|post|done|skip|reopen|fill [--set NAME=VALUE]", summary: "work on steps of a checklist: number N, page N, or all of it", changes: true, run: d.step},
		{name: "restart", usage: "restart SERVICE [--why TEXT]", summary: "ask for a rolling restart", changes: true, most: 1, run: d.restart},
		{name: "scale", usage: "scale SERVICE N [--why TEXT]", summary: "ask for N replicas", changes: true, most: 2, run: d.scale},
		{name: "rollback", usage: "rollback SERVICE [--revision N] [--why TEXT]", summary: "ask to go back to the last good revision", changes: true, most: 1, run: d.rollback},
		{name: "undo", usage: "undo [ID|SERVICE]", summary: "ask to take the last change back", changes: true, most: 1, run: d.undo},
		{name: "debug", usage: "debug SERVICE [--for 30m] [--why TEXT]", summary: "ask for LOG_LEVEL=debug; it returns by itself", changes: true, most: 1, run: d.debug},
		{name: "delete-pod", usage: "delete-pod SERVICE [POD] [--why TEXT]", summary: "ask to delete one pod of a StatefulSet", changes: true, most: 2, run: d.deletePod},
		{name: "apply", usage: "apply SERVICE FILE [--why TEXT]", summary: "ask to run a reviewed manifest, such as a load test", changes: true, most: 2, run: d.applyManifest},
		{name: "silence", usage: "silence SERVICE|INCIDENT [2h] [WHY] [--alert NAME]", summary: "ask to keep its firing alerts quiet for a while", changes: true, run: d.silence},
		{name: "update", usage: "update [ID] [STATE] [TEXT] [--eta TEXT]", summary: "ask to tell customers on the status page", changes: true, run: d.update},
		{name: "retry", usage: "retry ID", summary: "ask once more for a silence or an update that did not happen", changes: true, most: 1, run: d.retry},
		{name: "approvals", usage: "approvals [SERVICE]", summary: "what waits for a decision", run: d.approvals},
		{name: "approve", usage: "approve ID", summary: "agree to a request of somebody else", changes: true, run: d.approve},
		{name: "deny", usage: "deny ID [WHY]", summary: "end a request", changes: true, run: d.deny},
		{name: "break-glass", usage: "break-glass ID WHY", summary: "act without the approval, when nobody answers; loud, and reviewed afterwards", changes: true, run: d.breakGlass},
		{name: "review", usage: "review ID", summary: "confirm that you looked at a break-glass", changes: true, run: d.review},
		{name: "incident", usage: "incident open SERVICE [TEXT] | incident show [ID]", summary: "open an incident with its channel; show one with its timeline", changes: true, run: d.incident},
		{name: "incidents", usage: "incidents [all]", summary: "what is going on", run: d.incidents},
		{name: "ack", usage: "ack [ID]", summary: "take an incident: the escalation stops", changes: true, run: d.ack},
		{name: "assign", usage: "assign [ID] commander|comms|ops @NAME", summary: "give somebody a role", changes: true, run: d.assign},
		{name: "severity", usage: "severity [ID] 1-4", summary: "rate an incident, 1 is the worst", changes: true, run: d.severity},
		{name: "duty", usage: "duty [ID] LEVEL N done|reopen", summary: "tick a duty of a level of the escalation", changes: true, most: 4, run: d.duty},
		{name: "note", usage: "note [ID] TEXT", summary: "write on an incident's timeline", changes: true, run: d.takeNote},
		{name: "investigating", usage: "investigating [ID] [WHY]", summary: "the cause is not known any more", changes: true, run: d.moveTo(incident.Investigating)},
		{name: "identified", usage: "identified [ID] [WHAT]", summary: "the cause is known", changes: true, run: d.moveTo(incident.Identified)},
		{name: "monitoring", usage: "monitoring [ID] [WHAT]", summary: "it is mended, and watched", changes: true, run: d.moveTo(incident.Monitoring)},
		{name: "resolve", usage: "resolve [ID]", summary: "end an incident once its checks are green", changes: true, run: d.resolve},
		{name: "reopen", usage: "reopen [ID] [WHY]", summary: "take up again what was resolved", changes: true, run: d.reopen},
		{name: "close", usage: "close [ID]", summary: "put a resolved incident away; its channel is archived later", changes: true, run: d.moveTo(incident.Closed)},
		{name: "escalate", usage: "escalate [ID] [LEVEL] [WHY]", summary: "call the next level, or the one named, at once", changes: true, run: d.escalate},
		{name: "page", usage: "page [ID] @NAME [WHY]", summary: "call one person into an incident", changes: true, run: d.page},
		{name: "postmortem", usage: "postmortem [ID]", summary: "the draft of a postmortem, from the timeline", run: d.postmortem},
		{name: "action", usage: "action [ID] add TEXT @NAME YYYY-MM-DD | action edit N … | action done N", summary: "write down who does what until when, so that it does not happen again; change it; mark it done", changes: true, run: d.action},
		{name: "actions", usage: "actions [ID|all]", summary: "action items: of an incident, of everybody, or yours", run: d.actionItems},
		{name: "lesson", usage: "lesson [ID] TEXT", summary: "add what was learned to the runbook, as a patch for a pull request", changes: true, run: d.lesson},
		{name: "report", usage: "report [30d]", summary: "incidents, how long they took, and who changed what with which outcome; with a picture and as CSV", run: d.reportOn},
		{name: "oncall", usage: "oncall", summary: "who is on call now, and who comes next", run: d.oncall},
		{name: "contacts", usage: "contacts SERVICE", summary: "whom to ask about a service", run: d.contacts},
		{name: "services", usage: "services", summary: "the services I know", local: true, run: d.services},
		{name: "whoami", usage: "whoami", summary: "who you are to me, and what you may do", open: true, run: d.whoami},
		{name: "help", usage: "help", summary: "this list", open: true, run: d.help},
	}
}

// Durable reports whether text asks for or decides a change, so that it must be stored before it is acknowledged.
func (d *Desk) Durable(text string) bool {
	cmd, err := Parse(text)
	if err != nil {
		return false
	}
	v, ok := d.verb(cmd.Verb)
	return ok && v.changes
}

func (d *Desk) verb(name string) (verb, bool) {
	i := slices.IndexFunc(d.verbs, func(v verb) bool { return v.name == name })
	if i < 0 {
		return verb{}, false
	}
	return d.verbs[i], true
}

// Handle answers one Incoming through its conversation. It never panics and returns no error: what went wrong has been said to the
// person, with a reference, and logged once.
func (d *Desk) Handle(ctx context.Context, in Incoming) {
	start := d.Now()
	req := Request{Incoming: in, Talk: d.Talk.At(in.Where)}
	err := d.safely(ctx, &req)
	outcome := "ok"
	if err != nil {
		outcome = d.answer(ctx, req, err)
	}
	d.Measure.Command(known(d, req.Verb), outcome, d.Now().Sub(start))
	d.Log.Info().Str("ref", in.Ref).Str("verb", known(d, req.Verb)).Str("actor", req.Actor.Name()).Str("where", in.Where.Kind).
		Str("outcome", outcome).Dur("took", d.Now().Sub(start)).AnErr("cause", cause(err)).Msg("command")
}

func (d *Desk) safely(ctx context.Context, req *Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handle %q: panic: %v\n%s", req.Verb, p, debug.Stack())
		}
	}()
	return d.route(ctx, req)
}

func (d *Desk) route(ctx context.Context, req *Request) error {
	cmd, err := Parse(req.Text)
	if err != nil {
		return err
	}
	if cmd.Verb == "" {
		cmd.Verb = "help"
	}
	for name, v := range req.Values {
		if cmd.Set == nil {
			cmd.Set = map[string]string{}
		}
		cmd.Set[name] = v
	}
	req.Command = cmd
	v, ok := d.verb(cmd.Verb)
	maxAge := forReading
	if v.changes {
		maxAge = atOnce
	}
	req.Actor = d.actor(ctx, req.Incoming, maxAge)
	if ok, wait := d.Limits.Allow(ctx, "person:"+req.Actor.Name()); !ok {
		return &Problem{Code: "busy", Text: redact.F("That was a lot of commands in a short time; this one was not done."), Next: redact.F("Try again in %d s.", int(wait.Seconds())+1)}
	}
	if !ok {
		return d.unknownVerb(cmd)
	}
	if !v.open {
		if err := d.admit(req.Actor); err != nil {
			return err
		}
	}
	if v.most > 0 && len(cmd.Args) > v.most {
		return &Problem{Code: "usage", Text: redact.F("I do not know what %q is to mean here, so nothing was done.", strings.Join(cmd.Args[v.most:], " ")), Next: redact.F("Write `%s`.", v.usage)}
	}
	return v.run(ctx, *req)
}

// unknownVerb answers with what was probably meant; a service's name alone asks for its status.
func (d *Desk) unknownVerb(cmd Command) error {
	names := make([]string, len(d.verbs))
	for i, v := range d.verbs {
		names[i] = v.name
	}
	p := &Problem{Code: "unknown-verb", Text: redact.F("I do not know %q, so nothing was done.", cmd.Verb), Next: redact.Const("Type `help` for what I understand.")}
	if _, ok := d.Catalog().Service(cmd.Verb); ok {
		p.Next = redact.F("Did you mean `status %s`?", cmd.Verb)
	} else if near := catalog.Suggest(cmd.Verb, names); len(near) > 0 {
		p.Next = redact.F("Did you mean `%s`?", strings.Join(append([]string{near[0]}, cmd.Args...), " "))
	}
	return p
}

// tellingTime bounds the telling of a refusal.
const tellingTime = 15 * time.Second

// answer tells the asker alone what went wrong and returns the outcome for the metrics. An internal error shows its reference only.
func (d *Desk) answer(ctx context.Context, req Request, err error) string {
	// Also whoever waited until the time for the answer was over is told.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellingTime)
	defer cancel()
	c := card.Card{Title: redact.Const("Not done"), State: card.Refused}
	outcome := "refused"
	var p *Problem
	var r *approval.Refusal
	var ir *incident.Refusal
	switch {
	case errors.As(err, &p):
		c.Verdict = redact.Join(" ", p.Text, p.Next)
		outcome = p.Code
	case errors.As(err, &r):
		c.Verdict = redact.F("%s", r.Message)
		outcome = string(r.Code)
	case errors.As(err, &ir):
		c.Verdict = ir.Message
	case errors.Is(err, approval.ErrUnavailable):
		// The connection may have been lost during the commit itself, so "not counted" would be a guess.
		c.Verdict = redact.Const("The database does not answer, so I cannot tell whether that was recorded; nothing is carried out meanwhile. Ask again in a minute: an answer never counts twice. Reading commands still work.")
		outcome = "unavailable"
	case errors.Is(err, approval.ErrNotFound):
		c.Verdict = redact.Const("There is no such request. `approvals` lists those that wait.")
		outcome = "not-found"
	default:
		c.State = card.Fail
		c.Verdict = redact.F("Something broke on my side (reference %s) and I cannot say more here. If you asked for a change, look at `approvals` before you ask again.", req.Ref)
		d.Log.Error().Err(err).Str("ref", req.Ref).Str("verb", req.Verb).Msg("internal error")
		outcome = "internal"
	}
	c.Notes = append(c.Notes, redact.F("ref %s", req.Ref))
	if werr := req.Talk.Whisper(ctx, c); werr != nil {
		d.Log.Warn().Err(werr).Str("ref", req.Ref).Msg("tell the asker")
	}
	if nerr := d.note(ctx, "refused", req.Actor, "", map[string]string{"ref": req.Ref, "verb": known(d, req.Verb), "outcome": outcome}); nerr != nil {
		d.Log.Warn().Err(nerr).Str("ref", req.Ref).Msg("record the refusal")
	}
	return outcome
}

// note appends to the audit log on a best-effort basis: reads and refusals go on when the database does not answer.
func (d *Desk) note(ctx context.Context, kind string, a catalog.Actor, service string, data any) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return d.Journal.Note(ctx, kind, a.Name(), service, data)
}

// known keeps what people mistype out of metric labels.
func known(d *Desk, name string) string {
	if v, ok := d.verb(name); ok {
		return v.name
	}
	return "unknown"
}

func cause(err error) error {
	var p *Problem
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
