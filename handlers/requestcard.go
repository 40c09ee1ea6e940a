package handlers

import (
	"context"
	"fmt"
	"strings"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// requestCard is what an approver decides by: who asks, what exactly changes on which object, what it can hurt, how it is undone.
func (d *Desk) requestCard(ctx context.Context, r approval.Request) card.Card {
	p := r.Plan
	c := card.Card{
		Title:   redact.F("%s %s · %s", title(p.Action), p.Service, r.ID),
		State:   stateOfRequest(r.State),
		Verdict: d.requestVerdict(ctx, r),
		Parts:   []card.Part{{Facts: append(requestFacts(r), d.votesSoFar(r)...)}, {Code: diff(p)}},
	}
	if len(p.Warnings) > 0 {
		c.Parts = append(c.Parts, card.Part{Text: redact.F("Mind:\n%s", redact.Join("\n", p.Warnings...))})
	}
	if votes := voteLines(r); !votes.Empty() {
		c.Parts = append(c.Parts, card.Part{Text: votes})
	}
	if r.State == approval.Pending {
		c.Buttons = []card.Button{approveButton(r, redact.Const("Approve")), denyButton(r)}
		c.Notes = append(c.Notes, redact.F("expires at %s UTC", clock(r.ExpiresAt)), redact.F("by hand: %s", p.Command))
	}
	for _, v := range r.Votes {
		if !v.Actor.RolesAsOf.IsZero() {
			c.Notes = append(c.Notes, redact.F("%s's groups as of %s UTC", v.Person, clock(v.Actor.RolesAsOf)))
		}
	}
	if undoable(r) {
		c.Buttons = []card.Button{{Label: redact.Const("Undo…"), Verb: "undo", Value: r.ID}, {Label: redact.Const("Status"), Verb: "status", Value: p.Service}}
		c.Buttons = d.asking(c.Buttons, p.Service)
	}
	c.Notes = append(c.Notes, redact.F("plan %s", planName(r)))
	return c
}

func (d *Desk) requestVerdict(ctx context.Context, r approval.Request) redact.Text {
	p := r.Plan
	what := redact.F("%s asks to %s", r.Requester.Name(), aim(p))
	if r.ReturnOf != "" {
		what = redact.F("The time of %s is over: %s of %s goes back, as was agreed to together with it", r.ReturnOf, p.Params["key"], p.Service)
	}
	switch r.State {
	case approval.Pending:
		v := redact.F("%s: %s", what, d.standing(ctx, r))
		if r.Reason != "" {
			v = redact.F("%s. The earlier approvals are void: %s", v, r.Reason)
		}
		return v
	case approval.Unknown:
		return redact.F("%s %s: nobody can tell whether it was changed. Look with: %s", title(p.Action), p.Service, d.lookByHand(p))
	}
	v := redact.F("%s: %s", what, r.State.Words())
	if r.Reason != "" {
		v = redact.F("%s (%s)", v, r.Reason)
	}
	return v
}

// votesSoFar counts who has agreed while a request waits.
func (d *Desk) votesSoFar(r approval.Request) []card.Fact {
	policy, err := d.policyOf(r)
	if err != nil || r.State != approval.Pending {
		return nil
	}
	have, need := r.Counted(policy)
	return []card.Fact{{Label: redact.Const("Agreed"), Value: redact.F("%d of %d", have, need)}}
}

// aim says what a plan is for: "roll back backend to revision 2 (backend 2.8.0)".
func aim(p plan.Plan) redact.Text {
	switch what := redact.F("%s %s", verbOf(p.Action), p.Service); {
	case p.To.Empty():
		return what
	case p.Action == catalog.Undo:
		return redact.F("%s: back to %s", what, p.To)
	default:
		return redact.F("%s to %s", what, p.To)
	}
}

func requestFacts(r approval.Request) []card.Fact {
	p := r.Plan
	if isOutside(p) {
		return outsideFacts(r)
	}
	facts := []card.Fact{
		{Label: redact.Const("Object"), Value: redact.F("%s/%s", p.Target.Kind, p.Target.Name)},
		{Label: redact.Const("Cluster / namespace"), Value: redact.F("%s / %s", p.Target.Cluster, p.Target.Namespace)},
		{Label: redact.Const("Asked by"), Value: redact.F("%s at %s UTC", r.Requester.Name(), clock(r.CreatedAt))},
		{Label: redact.Const("What it can hurt"), Value: blast(p.Blast)},
	}
	if r.Why != "" {
		facts = append(facts, card.Fact{Label: redact.Const("Why"), Value: redact.F("%s", r.Why)})
	}
	if set := returns(r); !set.Empty() {
		facts = append(facts, card.Fact{Label: redact.Const("Sets"), Value: set})
	}
	if p.Action == catalog.Apply {
		facts = append(facts, card.Fact{Label: redact.Const("Manifest"), Value: redact.F("%s (SHA-256 %s)", p.Params["file"], p.Params["sha256"])})
	}
	switch r.State {
	case approval.Denied, approval.Expired, approval.Cancelled, approval.NotStarted, approval.Unknown:
		return facts // there is nothing to undo, or nobody knows whether there is
	}
	undo := p.Undo
	if undo.Empty() {
		undo = redact.Const("cannot be undone")
	}
	return append(facts, card.Fact{Label: redact.Const("Undo"), Value: undo})
}

// planName is short for what a card shows: another round of the same plan is another name.
func planName(r approval.Request) string {
	name := r.Digest[:min(12, len(r.Digest))]
	if r.Round > 0 {
		name = fmt.Sprintf("%s.%d", name, r.Round)
	}
	return name
}

func blast(b plan.Blast) redact.Text {
	lines := []redact.Text{redact.F("%d of %d replicas are ready", b.Ready, b.Desired)}
	if b.LastHealthy {
		lines = append(lines, redact.Const("touches the last healthy replica"))
	}
	if len(b.PDBBlocked) > 0 {
		lines = append(lines, redact.F("PodDisruptionBudget %s allows no disruption now", strings.Join(b.PDBBlocked, ", ")))
	}
	if b.HPA != "" {
		lines = append(lines, redact.F("HPA %s", b.HPA))
	}
	if len(b.EmptyDir) > 0 {
		lines = append(lines, redact.F("emptyDir %s loses its content", strings.Join(b.EmptyDir, ", ")))
	}
	if b.LastSave != "" {
		lines = append(lines, redact.F("last save to disk: %s", b.LastSave))
	}
	if b.GitOps != "" {
		lines = append(lines, redact.F("%s may revert it", b.GitOps))
	}
	return redact.Join("; ", lines...)
}

func diff(p plan.Plan) *card.Code {
	what := redact.Const("What changes (the server's dry run)")
	switch {
	case isOutside(p):
		what = redact.Const("What is sent, word for word")
	case p.Removes():
		what = redact.Const("What is deleted (the server's dry run agreed)")
	case p.Creates():
		what = redact.Const("What is created (the server's dry run agreed)")
	}
	return &card.Code{Title: what, Lang: "diff", Text: p.Diff}
}

func voteLines(r approval.Request) redact.Text {
	var lines []redact.Text
	for _, v := range r.Votes {
		word := redact.Const("Approved")
		if !v.Yes {
			word = redact.Const("Denied")
		}
		line := redact.F("%s by %s at %s UTC, after %s", word, v.Person, clock(v.At), incident.Span(v.At.Sub(r.CreatedAt)))
		if v.Why != "" {
			line = redact.F("%s: %s", line, v.Why)
		}
		lines = append(lines, line)
	}
	return redact.Join("\n", lines...)
}

func approveButton(r approval.Request, label redact.Text) card.Button {
	return card.Button{Label: label, Verb: "approve", Value: r.ID + "|" + r.Shown(), Style: card.Primary, Confirm: &card.Confirm{
		Title: redact.F("%s %s?", title(r.Plan.Action), r.Plan.Service),
		Body:  redact.F("%s asks to %s: %s/%s in %s / %s. It is carried out as soon as enough people agreed.", r.Requester.Name(), aim(r.Plan), r.Plan.Target.Kind, r.Plan.Target.Name, r.Plan.Target.Cluster, r.Plan.Target.Namespace),
		Yes:   redact.Const("Approve"),
	}}
}

func denyButton(r approval.Request) card.Button {
	return card.Button{Label: redact.Const("Deny"), Verb: "deny", Value: r.ID + "|" + r.Shown(), Style: card.Danger, Confirm: &card.Confirm{
		Title: redact.F("Deny %s?", r.ID), Body: redact.Const("This ends the request. To say why, write: deny ID WHY"), Yes: redact.Const("Deny"),
	}}
}

// resultCard is what is said in the thread when something has ended or the plan was replaced; key makes it be said once.
func (d *Desk) resultCard(r approval.Request) (c card.Card, key string, ok bool) {
	p := r.Plan
	say := func(state card.State, verdict redact.Text) (card.Card, string, bool) {
		c := card.Card{Title: redact.F("%s %s · %s", title(p.Action), p.Service, r.ID), State: state, Verdict: verdict}
		if r.Requester.Slack.User != "" {
			c.Mentions = []string{r.Requester.Slack.User}
		}
		if undoable(r) && r.State.Final() {
			c.Buttons = d.asking([]card.Button{{Label: redact.Const("Undo…"), Verb: "undo", Value: r.ID}}, p.Service)
		}
		if retryable(r) {
			c.Buttons = []card.Button{{Label: redact.Const("Retry…"), Verb: "retry", Value: r.ID}}
		}
		return c, "result:" + r.ID + ":" + string(r.State) + ":" + planName(r), true
	}
	switch r.State {
	case approval.Pending:
		if r.Reason == "" {
			return card.Card{}, "", false
		}
		return say(card.Waiting, redact.F("The plan changed, so the approvals do not count any more: %s. Look at the new diff above and decide again.", r.Reason))
	case approval.Applied:
		if isOutside(p) {
			return say(card.Running, redact.F("%s of %s is carried out; I am asking %s whether it is there.", noun(p.Action), p.Service, p.Target.Namespace))
		}
		return say(card.Running, redact.F("%s of %s is carried out; I am watching the rollout and the checks.", noun(p.Action), p.Service))
	case approval.Succeeded:
		return say(card.OK, redact.F("%s of %s worked: %s", noun(p.Action), p.Service, r.Reason))
	case approval.Failed:
		return say(card.Fail, redact.F("%s of %s was carried out, but it did not help: %s", noun(p.Action), p.Service, r.Reason))
	case approval.NotStarted, approval.Denied, approval.Expired, approval.Cancelled:
		return say(card.Warn, redact.F("%s of %s: nothing was changed (%s)", noun(p.Action), p.Service, r.Reason))
	case approval.Unknown:
		return say(card.Fail, redact.F("%s of %s: nobody can tell whether it was changed, and I will not repeat it. %s. Look with: %s", noun(p.Action), p.Service, r.Reason, d.lookByHand(p)))
	}
	return card.Card{}, "", false
}

func (d *Desk) lookByHand(p plan.Plan) string {
	if isOutside(p) {
		return p.Target.Namespace
	}
	return d.kubectlAt(p.Target.Cluster, p.Target.Namespace, "get "+strings.ToLower(p.Target.Kind)+" "+p.Target.Name+" -o yaml")
}

func stateOfRequest(s approval.State) card.State {
	switch s {
	case approval.Pending:
		return card.Waiting
	case approval.Approved, approval.Executing, approval.Applied:
		return card.Running
	case approval.Succeeded:
		return card.OK
	case approval.Failed, approval.Unknown:
		return card.Fail
	default:
		return card.Warn
	}
}

func title(a catalog.Action) string {
	switch a {
	case catalog.Rollback:
		return "Roll back"
	case catalog.SetEnv:
		return "Set variable"
	case catalog.DeletePod:
		return "Delete pod"
	case "":
		return "Change" // a row that somebody else wrote must not stop the announcements
	default:
		return strings.ToUpper(string(a[:1])) + string(a[1:])
	}
}

// noun names what was done: "Rollback of backend worked".
func noun(a catalog.Action) string {
	switch a {
	case catalog.Rollback:
		return "Rollback"
	case catalog.SetEnv:
		return "Variable"
	case catalog.DeletePod:
		return "Deletion of a pod"
	case catalog.Apply:
		return "Manifest"
	case catalog.Publish:
		return "Status page update"
	}
	return title(a)
}

func verbOf(a catalog.Action) string {
	switch a {
	case catalog.Rollback:
		return "roll back"
	case catalog.SetEnv:
		return "set a variable of"
	case catalog.DeletePod:
		return "delete a pod of"
	case catalog.Apply:
		return "apply a manifest for"
	case catalog.Undo:
		return "take back a change of"
	case catalog.Publish:
		return "tell customers about"
	default:
		return string(a)
	}
}
