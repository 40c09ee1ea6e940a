package handlers

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// wish is a change that somebody asks for: to which service, and how its plan is made.
type wish struct {
	action catalog.Action
	svc    catalog.Service
	// byHand is the command for whoever cannot wait for us, "" when there is none.
	byHand string
	// approvers is how many people must agree at least, whatever less the policy asks for; 0 leaves it to the policy.
	approvers int
	// plan makes the plan; id is that of the request to be.
	plan func(cl Cluster, policy catalog.Policy, id string) (plan.Plan, error)
}

// restart asks for a rolling restart of a service.
func (d *Desk) restart(ctx context.Context, req Request) error {
	svc, err := d.service(req, "restart SERVICE")
	if err != nil {
		return err
	}
	return d.ask(ctx, req, d.restarting(ctx, svc))
}

func (d *Desk) restarting(ctx context.Context, svc catalog.Service) wish {
	return wish{action: catalog.Restart, svc: svc, byHand: d.kubectl(svc, "rollout restart "+object(svc)),
		plan: func(cl Cluster, _ catalog.Policy, _ string) (plan.Plan, error) { return cl.PlanRestart(ctx, svc) }}
}

// scale asks for a number of replicas, within the policy's bound.
func (d *Desk) scale(ctx context.Context, req Request) error {
	if len(req.Args) < 2 {
		return &Problem{Code: "usage", Text: redact.Const("How many replicas? Nothing was done."), Next: redact.Const("Write `scale SERVICE N`.")}
	}
	n, err := strconv.Atoi(req.Args[1])
	if err != nil || n < 0 {
		return &Problem{Code: "usage", Text: redact.F("%q is no number of replicas; nothing was done.", req.Args[1]), Next: redact.Const("Write `scale SERVICE N`, N from 0.")}
	}
	svc, err := d.service(req, "scale SERVICE N")
	if err != nil {
		return err
	}
	return d.ask(ctx, req, d.scaling(ctx, svc, n))
}

func (d *Desk) scaling(ctx context.Context, svc catalog.Service, n int) wish {
	return wish{action: catalog.Scale, svc: svc, byHand: d.kubectl(svc, "scale "+object(svc)+" --replicas="+strconv.Itoa(n)),
		plan: func(cl Cluster, policy catalog.Policy, _ string) (plan.Plan, error) {
			if n > policy.MaxReplicas {
				return plan.Plan{}, &Problem{Code: "limit", Text: redact.F("Policy %q allows at most %d replicas, not %d; nothing was done.", policy.Name, policy.MaxReplicas, n)}
			}
			return cl.PlanScale(ctx, svc, n)
		}}
}

// rollback asks to return to an earlier revision: the one named, else the last good one.
func (d *Desk) rollback(ctx context.Context, req Request) error {
	revision, err := req.Int("revision", 0, 0, 1<<30)
	if err != nil {
		return err
	}
	svc, err := d.service(req, "rollback SERVICE")
	if err != nil {
		return err
	}
	return d.ask(ctx, req, d.rollingBack(ctx, svc, revision))
}

func (d *Desk) rollingBack(ctx context.Context, svc catalog.Service, revision int) wish {
	byHand := "rollout undo " + object(svc)
	if revision != 0 {
		byHand += " --to-revision=" + strconv.Itoa(revision)
	}
	return wish{action: catalog.Rollback, svc: svc, byHand: d.kubectl(svc, byHand),
		plan: func(cl Cluster, _ catalog.Policy, _ string) (plan.Plan, error) {
			return cl.PlanRollback(ctx, svc, int64(revision))
		}}
}

// undo asks to take an executed change back: the one named, the newest of the service named, or the newest of all.
func (d *Desk) undo(ctx context.Context, req Request) error {
	done, err := d.lastDone(ctx, req)
	if err != nil {
		return err
	}
	req.Args = []string{done.Plan.Service}
	svc, err := d.service(req, "undo ID")
	if err != nil {
		return err
	}
	return d.ask(ctx, req, wish{action: catalog.Undo, svc: svc, byHand: d.undoByHand(svc, done.Plan),
		plan: func(cl Cluster, _ catalog.Policy, _ string) (plan.Plan, error) {
			return cl.PlanUndo(ctx, svc, done.Plan, done.ID)
		}})
}

// lastDone finds the change that undo means.
func (d *Desk) lastDone(ctx context.Context, req Request) (approval.Request, error) {
	if len(req.Args) > 0 && looksLikeID(req.Args[0]) {
		r, err := d.Approvals.Request(ctx, canonicalID(req.Args[0]))
		if err != nil {
			return approval.Request{}, err
		}
		if !undoable(r) {
			return approval.Request{}, &Problem{Code: "state", Text: redact.F("%s is %s; there is nothing to take back, and nothing was done.", r.ID, r.State.Words())}
		}
		return r, nil
	}
	service := ""
	if len(req.Args) > 0 {
		svc, err := d.service(req, "undo SERVICE")
		if err != nil {
			return approval.Request{}, err
		}
		service = svc.Name
	}
	list, err := d.Approvals.Requests(ctx, service, false, 50)
	if err != nil {
		return approval.Request{}, err
	}
	for _, r := range list {
		if undoable(r) {
			return r, nil
		}
	}
	return approval.Request{}, &Problem{Code: "nothing", Text: redact.Const("I carried out no change that could be taken back; nothing was done.")}
}

func undoable(r approval.Request) bool {
	return r.Done() && !r.Plan.Undo.Empty()
}

// ask is the way of every change: may this person ask, the plan from the live object, the stored request. The card is posted by the
// announcing job, which the same transaction inserts.
func (d *Desk) ask(ctx context.Context, req Request, w wish) error {
	action, svc := w.action, w.svc
	policy, ok := d.Catalog().Policy(action, svc.Name)
	if !ok {
		return &Problem{Code: "policy", Text: redact.F("No policy of svcdown.yaml covers %s of %s, so nobody may do it; nothing was done.", action, svc.Name)}
	}
	policy, err := guarded(policy, action, svc)
	if err != nil {
		return err
	}
	policy = policy.AtLeast(w.approvers)
	if err := approval.MayAsk(req.Actor, policy, action, svc.Name); err != nil {
		return err
	}
	cl, err := d.hands(action, svc.Cluster)
	if err != nil {
		return d.noCluster(svc, err)
	}
	id := newID()
	live := &liveCard{talk: aside{req.Talk}, svc: svc, doing: redact.F("Planning the %s of %s", action, svc.Name), started: d.Now(), now: d.Now, after: time.Second}
	var red []string
	p, err := read(ctx, live, func() (plan.Plan, error) {
		p, err := w.plan(cl, policy, id)
		if err == nil && !isOutside(p) {
			red = failing(d.check(ctx, cl, svc, func(finding.Finding) {}))
		}
		return p, err
	})
	if err != nil {
		return d.wordK8s("plan the "+string(action)+" of "+svc.Name, err, w.byHand)
	}
	p.Approvers = w.approvers
	r, err := approval.New(id, p, req.Actor, oneLine(req.Flags["why"]), policy, d.Now())
	if err != nil {
		return err
	}
	r.Failing = red
	d.Step("propose")
	stored, err := d.Approvals.Propose(ctx, proposalKey(req), r, req.Where, policy.RemindAfter)
	if errors.Is(err, approval.ErrUnavailable) {
		return &Problem{Code: "unavailable", Err: err,
			Text: redact.Const("The database does not answer, so I cannot record who agrees to what; nothing was changed."),
			Next: redact.F("If it cannot wait, by hand: %s", p.Command)}
	}
	if err != nil {
		return err
	}
	d.Step("proposed")
	if amongOthers(req.Where) {
		return nil
	}
	where := redact.Const("Its card stands in the service's channel; `approvals` lists what waits.")
	if req.Where.Kind == "terminal" {
		where = redact.Const("Follow it with: svcdown approvals")
	}
	return req.Talk.Whisper(ctx, card.Card{Title: redact.F("%s of %s", title(action), svc.Name), State: card.Waiting,
		Verdict: redact.F("%s is %s. %s", stored.ID, stored.State.Words(), where), Parts: []card.Part{{Code: diff(p)}}})
}

// proposalKey makes a redelivered command find the request that it made.
func proposalKey(req Request) string {
	if req.Key == "" {
		return ""
	}
	return "ask:" + req.Key
}

func failing(findings []finding.Finding) []string {
	var out []string
	for _, f := range findings {
		if f.Status == finding.Fail {
			out = append(out, f.Check)
		}
	}
	return out
}

// idAlphabet leaves out what is mistaken for something else when read aloud or typed from a phone.
const idAlphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

// newID makes an ID that people can type: 30^6 values, and the store refuses a second use.
func newID() string {
	b := make([]byte, 6)
	if _, err := rand.Read(b); err != nil {
		panic(err) // never fails since Go 1.24: the runtime ends the program first
	}
	for i := range b {
		b[i] = idAlphabet[int(b[i])%len(idAlphabet)]
	}
	return "R-" + string(b)
}

func looksLikeID(s string) bool {
	return len(s) == 8 && strings.HasPrefix(strings.ToUpper(s), "R-")
}

func canonicalID(s string) string { return strings.ToUpper(s) }

// kubectl is the command for whoever cannot wait for us. It always names a context: without one, it would go to whatever cluster somebody
// last looked at. Where the catalogue names none, the cluster's own name stands, which kubectl refuses when there is no such context.
func (d *Desk) kubectl(svc catalog.Service, args string) string {
	return d.kubectlAt(svc.Cluster, svc.Namespace, args)
}

func (d *Desk) kubectlAt(cluster, namespace, args string) string {
	return "kubectl --context " + d.contextOf(cluster) + " -n " + namespace + " " + args
}

func (d *Desk) contextOf(cluster string) string {
	if c, ok := d.Catalog().Cluster(cluster); ok && c.Context != "" {
		return k8sops.Quoted(c.Context)
	}
	return cluster
}

func object(svc catalog.Service) string {
	return strings.ToLower(svc.Workload.Kind) + "/" + svc.Workload.Name
}

// undoByHand takes back what done did and nothing else: "rollout undo" after a scale would bring an old image back. What cannot be taken
// back gives "".
func (d *Desk) undoByHand(svc catalog.Service, done plan.Plan) string {
	switch {
	case done.Action == catalog.Apply:
		return d.kubectl(svc, "delete job "+done.Target.Name)
	case len(done.Before.Env) > 0:
		return d.unsetByHand(svc, done)
	case done.Before.Replicas != nil:
		return d.kubectl(svc, "scale "+object(svc)+" --replicas="+strconv.Itoa(int(*done.Before.Replicas)))
	case done.Before.Revision > 0 && done.Action != catalog.Restart:
		return d.kubectl(svc, "rollout undo "+object(svc)+" --to-revision="+strconv.FormatInt(done.Before.Revision, 10))
	}
	return ""
}

// wordK8s puts an error of the cluster into words, with the command to run by hand.
func (d *Desk) wordK8s(what string, err error, byHand string) error {
	var p *Problem
	var k *k8sops.Error
	switch {
	case errors.As(err, &p):
		return err
	case errors.As(err, &k):
		next := redact.F("By hand: %s", byHand)
		if byHand == "" || k.Kind == k8sops.Empty || k.Kind == k8sops.HPA || k.Kind == k8sops.Unsupported || k.Kind == k8sops.Invalid {
			next = redact.Text{} // the same command by hand would do no better
		}
		return &Problem{Code: "kubernetes-" + string(k.Kind), Text: redact.F("I could not %s: %s Nothing was changed.", what, sentence(k.Message)), Next: next, Err: err}
	default:
		return err
	}
}

// oneLine keeps what somebody typed from looking like lines of ours on a card.
func oneLine(typed string) string {
	return strings.Join(strings.FieldsFunc(typed, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

func sentence(t redact.Text) redact.Text {
	s := t.String()
	if s == "" || strings.HasSuffix(s, ".") {
		return t
	}
	return redact.F("%s.", t)
}
