package handlers

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// askStep makes a stored request of a bound runbook step of class Action, as if the same had been typed as a verb: policy, plan, approvals and
// execution are those of every change. svc is the service that the runbook is run for. The step's {approve=N} raises the number of
// approvers and never lowers it. What svcdown does not carry out itself, and an object that belongs to no service of the catalogue, is a
// [Problem] with the command to run by hand.
func (d *Desk) askStep(ctx context.Context, req Request, svc catalog.Service, step runbook.Step) error {
	if step.Class != runbook.Action || step.Operation == nil {
		return &Problem{Code: "no-action", Text: redact.F("This step is of class %s and changes nothing, so there is nothing to ask for.", step.Class)}
	}
	if holes := step.Holes(); len(holes) > 0 {
		return &Problem{Code: "unbound", Text: redact.F("%s has no value, so nothing was asked for.", holes[0].Written)}
	}
	w, err := d.wished(ctx, svc, step)
	if err != nil {
		return err
	}
	w.approvers = max(w.approvers, step.Attributes.Approve)
	return d.ask(ctx, req, w)
}

// wished translates a step into the change that it means.
func (d *Desk) wished(ctx context.Context, svc catalog.Service, step runbook.Step) (wish, error) {
	op := step.Operation
	switch op.Name {
	case "rollout restart":
		of, err := d.targeted(svc, step)
		return d.restarting(ctx, of), err
	case "scale":
		of, err := d.targeted(svc, step, "replicas")
		if err != nil {
			return wish{}, err
		}
		n, err := strconv.Atoi(op.Get("replicas"))
		if err != nil {
			return wish{}, d.byHand(svc, step, redact.F("%q is no number of replicas", op.Get("replicas")))
		}
		return d.scaling(ctx, of, n), nil
	case "rollout undo":
		of, err := d.targeted(svc, step, "to-revision")
		if err != nil {
			return wish{}, err
		}
		revision := 0
		if op.Has("to-revision") {
			if revision, err = strconv.Atoi(op.Get("to-revision")); err != nil {
				return wish{}, d.byHand(svc, step, redact.F("%q is no revision", op.Get("to-revision")))
			}
		}
		return d.rollingBack(ctx, of, revision), nil
	}
	switch {
	case op.Name == "set env":
		return d.wishedEnv(ctx, svc, step)
	case op.Name == "delete" && op.Kind == "pods":
		return d.wishedEnd(ctx, svc, step)
	case op.Name == "apply":
		if why := unknownOption(op, "file"); !why.Empty() {
			return wish{}, d.byHand(svc, step, why)
		}
		if namespace := namespaceOf(svc, step); namespace != svc.Namespace {
			return wish{}, d.byHand(svc, step, redact.F("it is for namespace %s, and %s lives in %s", namespace, svc.Name, svc.Namespace))
		}
		return d.applying(ctx, svc, op.Get("file")), nil
	}
	return wish{}, d.byHand(svc, step, whyByHand(op.Name))
}

// wishedEnv sets one variable for a while.
func (d *Desk) wishedEnv(ctx context.Context, svc catalog.Service, step runbook.Step) (wish, error) {
	of, err := d.targeted(svc, step, "pair", "container")
	if err != nil {
		return wish{}, err
	}
	pairs := step.Operation.All("pair")
	key, value, set := strings.Cut(pairs[0], "=")
	switch {
	case len(pairs) != 1:
		return wish{}, d.byHand(svc, step, redact.F("it sets %s, and a plan is for exactly one", counted(len(pairs), "variable")))
	case !set:
		return wish{}, d.byHand(svc, step, redact.Const("it takes a variable away for good; svcdown sets one for a while"))
	}
	return d.settingEnv(ctx, of, k8sops.EnvRequest{Key: key, Value: value, Container: step.Operation.Get("container"), For: setFor}), nil
}

// wishedEnd deletes one pod of a StatefulSet of the catalogue.
func (d *Desk) wishedEnd(ctx context.Context, svc catalog.Service, step runbook.Step) (wish, error) {
	op := step.Operation
	if why := unknownOption(op); !why.Empty() {
		return wish{}, d.byHand(svc, step, why)
	}
	names := op.All("name")
	if len(names) != 1 {
		return wish{}, d.byHand(svc, step, redact.F("it names %s, and a plan is bound to exactly one", counted(len(names), "pod")))
	}
	of, err := d.owner(svc, step, func(s catalog.Service) bool {
		ordinal, ok := strings.CutPrefix(names[0], s.Workload.Name+"-")
		_, err := strconv.ParseUint(ordinal, 10, 31)
		return s.Workload.Kind == "StatefulSet" && ok && err == nil
	})
	if err != nil {
		return wish{}, err
	}
	return d.deletingPod(ctx, of, names[0]), nil
}

// whyByHand says why svcdown does not carry out an operation.
func whyByHand(operation string) redact.Text {
	switch operation {
	case "rollout pause", "rollout resume":
		return redact.Const("a paused rollout says that somebody holds it, and only they know why")
	case "set image", "set resources":
		return redact.Const("a new image or new limits belong into the repository that deploys the service, where they last and are reviewed")
	case "cordon", "uncordon", "drain", "taint":
		return redact.Const("nodes carry other teams' pods as well, and no policy of a service covers those")
	case "label", "annotate", "patch":
		return redact.Const("it can change anything of an object, so no plan of svcdown could say what it does")
	case "delete":
		return redact.Const("of all that can be deleted, svcdown deletes single pods of a StatefulSet only")
	}
	return redact.F("svcdown has no plan for %s", operation)
}

// byHand says that svcdown does not carry a step out, why, and the exact command, so that a person can do it and tick it off.
func (d *Desk) byHand(svc catalog.Service, step runbook.Step, why redact.Text) error {
	return &Problem{Code: "by-hand", Text: redact.F("svcdown does not carry this out itself: %s. Nothing was changed.", why),
		Next: redact.F("By hand, then tick it off: %s", d.commandOf(svc, step))}
}

// targeted finds the service whose workload a step names. takes are the options that the plan knows; any other would change what the step
// means, so that it is left to a person.
func (d *Desk) targeted(svc catalog.Service, step runbook.Step, takes ...string) (catalog.Service, error) {
	op := step.Operation
	if why := unknownOption(op, takes...); !why.Empty() {
		return catalog.Service{}, d.byHand(svc, step, why)
	}
	names := op.All("name")
	if len(names) != 1 {
		return catalog.Service{}, d.byHand(svc, step, redact.F("it names %s, and a plan is bound to exactly one", counted(len(names), "object")))
	}
	kind, ok := workloadKind[op.Kind]
	if !ok {
		return catalog.Service{}, d.byHand(svc, step, redact.F("it is about %s; svcdown changes Deployments, StatefulSets and DaemonSets", op.Kind))
	}
	return d.owner(svc, step, func(s catalog.Service) bool { return s.Workload.Kind == kind && s.Workload.Name == names[0] })
}

// owner finds the service of the step's cluster and namespace that is meant. What belongs to no service is covered by no policy.
func (d *Desk) owner(svc catalog.Service, step runbook.Step, is func(catalog.Service) bool) (catalog.Service, error) {
	namespace := namespaceOf(svc, step)
	all := d.Catalog().Services
	i := slices.IndexFunc(all, func(s catalog.Service) bool { return s.Cluster == svc.Cluster && s.Namespace == namespace && is(s) })
	if i < 0 {
		return catalog.Service{}, &Problem{Code: "foreign", Text: redact.F("%s in namespace %s belongs to no service of svcdown.yaml, so no policy covers it and nothing was done.",
			strings.Join(append([]string{step.Operation.Kind}, step.Operation.All("name")...), " "), namespace),
			Next: redact.F("Add it under services, or by hand: %s", d.commandOf(svc, step))}
	}
	return all[i], nil
}

var workloadKind = map[string]string{"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}

// harmless options say where, or what kubectl prints; none changes what is done.
var harmless = []string{"name", "namespace", "output", "timeout"}

func unknownOption(op *runbook.Operation, takes ...string) redact.Text {
	for _, a := range op.Args {
		switch {
		case a.Name == "dry-run" && a.Value.String() == "none":
		case !slices.Contains(harmless, a.Name) && !slices.Contains(takes, a.Name):
			return redact.F("svcdown's plan for %s knows no %s", op.Name, a.Name)
		}
	}
	return redact.Text{}
}

func namespaceOf(svc catalog.Service, step runbook.Step) string {
	if n := step.Operation.Get("namespace"); n != "" {
		return n
	}
	return svc.Namespace
}

// commandOf is the step's own command with context and namespace, every word quoted where a shell would read more into it. The words are
// those of the bound operation, not the text of the document: that still has its placeholders.
func (d *Desk) commandOf(svc catalog.Service, step runbook.Step) string {
	op := step.Operation
	words := strings.Fields(op.Name)
	if op.Kind != "" && !nodeVerbs[op.Name] {
		words = append(words, op.Kind)
	}
	words = append(words, op.All("name")...)
	words = append(words, op.All("pair")...)
	for _, a := range op.Args {
		switch {
		case a.Name == "name" || a.Name == "pair" || a.Name == "namespace":
		case a.Name == "file":
			words = append(words, "-f", a.Value.String())
		case a.Type == runbook.Flag || a.Value.String() == "":
			words = append(words, "--"+a.Name)
		case a.Name == "container": // kubectl set spells it so
			words = append(words, "--containers="+a.Value.String())
		default:
			words = append(words, "--"+a.Name+"="+a.Value.String())
		}
	}
	for i, w := range words {
		words[i] = k8sops.Quoted(w)
	}
	command := strings.Join(words, " ")
	if !op.Namespaced && op.Name != "apply" {
		return "kubectl --context " + d.contextOf(svc.Cluster) + " " + command
	}
	return d.kubectlAt(svc.Cluster, namespaceOf(svc, step), command)
}

// nodeVerbs take the names of nodes without their kind.
var nodeVerbs = map[string]bool{"cordon": true, "uncordon": true, "drain": true}
