package handlers

import (
	"context"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/runbook"
)

// Conversation is one place to talk. Every method is safe for concurrent use and returns once the message is delivered or refused.
type Conversation interface {
	// Say posts a card. With a key, saying it again (after a crash, a lost answer) finds the first message and does not post twice.
	Say(ctx context.Context, key string, c card.Card) (card.Address, error)
	// Update replaces a card; edits that overtake each other are coalesced, the last one wins.
	Update(ctx context.Context, at card.Address, c card.Card) error
	// Whisper answers the asker alone.
	Whisper(ctx context.Context, c card.Card) error
	// Upload puts a file into the thread.
	Upload(ctx context.Context, f card.File) error
}

// Conversations rebuilds a Conversation from an Address.
type Conversations interface {
	// At talks where a says: in its thread when it has one, at channel level otherwise.
	At(a card.Address) Conversation
	// Direct talks to one person in private.
	Direct(ctx context.Context, id catalog.SlackID) (Conversation, error)
}

// Account is what Slack says of an account.
type Account struct {
	Guest, Bot, Deleted bool
}

// Directory is who is who in Slack.
type Directory interface {
	// Groups returns the members of user groups as they were at asOf: at most maxAge ago, older only while Slack does not answer. An error
	// means that there is no answer at all.
	Groups(ctx context.Context, ids []string, maxAge time.Duration) (members map[string][]catalog.SlackID, asOf time.Time, err error)
	// Shared reports whether people of another workspace read a channel; in doubt it says yes, and that it was not told.
	Shared(ctx context.Context, channel string) (shared, told bool)
	// Reads reports whether an account of ours reads a channel, and whether that is private: everybody reads a public one, its members a
	// private one. In doubt a channel is private and the account does not read it.
	Reads(ctx context.Context, channel string, id catalog.SlackID) (may, private bool)
	// Account looks one account up.
	Account(ctx context.Context, id catalog.SlackID) (Account, error)
}

// Approvals stores requests. Every method that changes a request also writes the audit entry and the announcing job in the same
// transaction; an error means that nothing of it happened.
type Approvals interface {
	// Propose stores r with its expiry, reminder and announcement jobs, and its execution job when r is approved already. A second call
	// with the same key returns what the first one stored.
	Propose(ctx context.Context, key string, r approval.Request, from card.Address, remindAfter time.Duration) (approval.Request, error)
	// Change locks the request and hands it to change. What change did to it is stored even when change returns a refusal (an expiry, for
	// example); that error is returned. When the state became approved, the execution job is inserted in the same transaction.
	Change(ctx context.Context, id, by string, change func(*approval.Request) error) (approval.Request, error)
	Request(ctx context.Context, id string) (approval.Request, error)
	// Requeue inserts another execution job for a request that is approved and whose target nobody holds.
	Requeue(ctx context.Context, id string) error
	// Requests lists the newest first: those still open, or all, of one service or of every one (service "").
	Requests(ctx context.Context, service string, openOnly bool, limit int) ([]approval.Request, error)
}

// Leases hands out the right to change a target.
type Leases interface {
	// Acquire takes the target's lease for [approval.LeaseTime], or returns [approval.ErrBusy] while another request holds it.
	Acquire(ctx context.Context, target, request string) (approval.Lease, error)
	// TakeOver is Acquire for whoever finds out what became of a request: it waits for the holder's lease to lapse.
	TakeOver(ctx context.Context, target, request string) (approval.Lease, error)
	// Begin, in one transaction: l is still the newest and not lapsed, change is applied to the locked request, and a reconcile job is set
	// for when the lease lapses. [approval.ErrLost] when the lease is not ours any more.
	Begin(ctx context.Context, l approval.Lease, change func(*approval.Request) error) (approval.Request, error)
	// End, in one transaction: l is still the newest, change is applied, the lease is released, the watch job is inserted when the state
	// became applied. [approval.ErrLost] when somebody took over.
	End(ctx context.Context, l approval.Lease, change func(*approval.Request) error) (approval.Request, error)
	// Release gives the lease back without a change.
	Release(ctx context.Context, l approval.Lease) error
}

// Cards remembers where the cards of a request stand.
type Cards interface {
	SaveCard(ctx context.Context, request, role string, at card.Address) error
	CardsOf(ctx context.Context, request string) (map[string]card.Address, error)
}

// Journal is the audit log for what changes nothing: commands, refusals.
type Journal interface {
	// Note appends an entry; it answers within the context's deadline also when the database does not.
	Note(ctx context.Context, kind, actor, service string, data any) error
}

// Limits bounds how often somebody may ask.
type Limits interface {
	Allow(ctx context.Context, key string) (ok bool, wait time.Duration)
}

// Prober asks a health URL.
type Prober interface {
	Probe(ctx context.Context, url string) finding.Finding
	// Certificate is the one that the URL's host shows at a handshake; false when the URL speaks no TLS.
	Certificate(ctx context.Context, url string) (finding.Certificate, bool)
}

// Measure counts. Labels are bounded: verbs and outcomes of ours only.
type Measure interface {
	Command(verb, outcome string, took time.Duration)
}

// Reader reads a service's state.
type Reader interface {
	Status(ctx context.Context, svc catalog.Service, each func(finding.Finding)) []finding.Finding
	Logs(ctx context.Context, svc catalog.Service, req k8sops.LogRequest) (k8sops.LogResult, error)
	Changes(ctx context.Context, svc catalog.Service, since time.Time) (finding.Changes, error)
	// Protection reads what stands between the service and its next outage; what could not be read says so in its place.
	Protection(ctx context.Context, svc catalog.Service) (finding.Protection, error)
}

// Checks runs the reading steps of runbooks.
type Checks interface {
	// Bind fills a step's placeholders from the catalogue, from given, and from the cluster of this moment. A placeholder that stands for
	// several objects (<pod-name>: the worst pods) gives several steps. missing names what somebody has to be asked for; bound is empty then.
	Bind(ctx context.Context, svc catalog.Service, step runbook.Step, given runbook.Values) (bound []runbook.Step, missing []runbook.Hole, err error)
	// Run carries out one bound step of class Check. It never fails: what cannot be answered is an Unknown finding that says why, with its
	// fix. A step of another class, or one that is not bound, is refused in the same way and nothing is run.
	Run(ctx context.Context, svc catalog.Service, step runbook.Step) finding.Report
}

// Runbooks are the shipped runbooks and the team's own. What it returns is immutable and stays valid after a reload.
type Runbooks interface {
	// All lists them by name.
	All() []*runbook.Runbook
	// Named finds one by its name ("service-down"), in upper or lower case.
	Named(name string) (*runbook.Runbook, bool)
	// Broken lists what cannot be read as it is now.
	Broken() []runbook.Broken
}

// Checklists stores runbooks that people work through.
type Checklists interface {
	// OpenChecklist stores c. A second call with the same key returns what the first one stored, as it is by now.
	OpenChecklist(ctx context.Context, key string, c checklist.Checklist) (checklist.Checklist, error)
	Checklist(ctx context.Context, id string) (checklist.Checklist, error)
	// ChangeChecklist locks the checklist and hands it to change. When change returns an error nothing is stored, and the error comes back
	// with the checklist as it stands. What became of the steps is audited in the same transaction.
	ChangeChecklist(ctx context.Context, id, by string, change func(*checklist.Checklist) error) (checklist.Checklist, error)
}

// Asker asks a person for values in a form.
type Asker interface {
	// Open shows a form to whoever did what trigger came with, which is good for three seconds. A form without fields says that they come.
	// What is filled in and valid comes back as an [Incoming] with Values.
	Open(ctx context.Context, trigger string, f card.Form) (id string, err error)
	// Change replaces an open form.
	Change(ctx context.Context, id string, f card.Form) error
}

// Reports keeps the newest report of each step of a checklist.
type Reports interface {
	SaveReport(ctx context.Context, id string, step int, r finding.Report) error
	Report(ctx context.Context, id string, step int) (finding.Report, error)
}

// Followed ties steps of checklists to the requests that they asked for.
type Followed interface {
	// FollowRequest ties a step to the request that was proposed under key. [approval.ErrNotFound] when nothing was.
	FollowRequest(ctx context.Context, id string, step int, key string) (request string, err error)
	// Following returns the step that follows a request; [approval.ErrNotFound] when none does.
	Following(ctx context.Context, request string) (id string, step int, err error)
}

// Planner binds actions to live objects.
type Planner interface {
	PlanRestart(ctx context.Context, svc catalog.Service) (plan.Plan, error)
	PlanScale(ctx context.Context, svc catalog.Service, replicas int) (plan.Plan, error)
	PlanRollback(ctx context.Context, svc catalog.Service, toRevision int64) (plan.Plan, error)
	PlanSetEnv(ctx context.Context, svc catalog.Service, r k8sops.EnvRequest) (plan.Plan, error)
	PlanDeletePod(ctx context.Context, svc catalog.Service, pod string) (plan.Plan, error)
	PlanApply(ctx context.Context, svc catalog.Service, r k8sops.ApplyRequest) (plan.Plan, error)
	PlanUndo(ctx context.Context, svc catalog.Service, done plan.Plan, doneID string) (plan.Plan, error)
	// Replan makes every plan but that of an apply again, which needs its file.
	Replan(ctx context.Context, svc catalog.Service, p plan.Plan) (plan.Plan, error)
}

// Executor makes the one API call, and finds out afterwards what became of it.
type Executor interface {
	// Mark comes before Execute where the plan deletes its object; it changes nothing.
	Mark(ctx context.Context, p plan.Plan, approvalID string) (k8sops.Result, error)
	Execute(ctx context.Context, p plan.Plan, approvalID string) (k8sops.Result, error)
	Void(ctx context.Context, p plan.Plan, approvalID string) error
	Landed(ctx context.Context, p plan.Plan, approvalID string) (k8sops.Landing, error)
}

// Verifier watches what a change leads to.
type Verifier interface {
	Follow(ctx context.Context, svc catalog.Service, p plan.Plan) (k8sops.RolloutState, error)
	Settled(ctx context.Context, svc catalog.Service, since time.Time) (finding.Finding, error)
}

// Permissions says what the bot's own account may do.
type Permissions interface {
	// CanI asks the API server ("" is the core group, and the whole cluster), which says why or why not in its words.
	CanI(ctx context.Context, verb, group, resource, subresource, namespace string) (bool, string, error)
}

// Cluster is one Kubernetes cluster.
type Cluster interface {
	Reader
	Permissions
	Planner
	Executor
	Verifier
}
