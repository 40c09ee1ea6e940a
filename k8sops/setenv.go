package k8sops

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// EnvRequest sets one environment variable of a service for a while.
type EnvRequest struct {
	Key, Value string
	// Container is the one to set it in, "" for every container of the pod but the init containers.
	Container string
	// For is after which time the change is taken back.
	For time.Duration
}

// The parameters of a set-env, and of the undo that takes it back.
const (
	paramKey       = "key"
	paramValue     = "value"     // to set; or, for the undo, what must stand there now
	paramContainer = "container" // "" for all
	paramFor       = "for"
	paramEnv       = "env" // for the undo: the variables as they were, as JSON
)

// The bounds of how long a variable may stay set.
const (
	shortestEnv = time.Second
	longestEnv  = 24 * time.Hour
)

// envValue is what may be set: one short word. It stands on cards and in commands.
var envValue = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:,/-]{0,63}$`)

// PlanSetEnv plans what `kubectl set env` does, for one variable that the catalogue allows, and its return after a time. It depends on the whole
// pod template. A variable that comes from a Secret or a ConfigMap is left alone, as is a value that looks like a secret.
func (c *Cluster) PlanSetEnv(ctx context.Context, svc catalog.Service, r EnvRequest) (plan.Plan, error) {
	op := "set " + r.Key + " of " + svc.Name
	invalid := func(t redact.Text) error { return &Error{Kind: Invalid, Op: op, Object: objectOf(svc), Message: t} }
	switch {
	case !svc.MaySet(r.Key):
		return plan.Plan{}, invalid(redact.F("An environment variable can change everything that a program does, so svcdown.yaml names those that may be set (services, settable). Of %s that is: %s.",
			svc.Name, orNothing(svc.SettableKeys())))
	case !envValue.MatchString(r.Value):
		return plan.Plan{}, invalid(redact.F("%s can be set to one short word of letters, digits and . _ : , / - only.", r.Key))
	case secretLike(r.Key, r.Value):
		return plan.Plan{}, invalid(redact.Const("That value looks like a secret, and it would stand on cards."))
	case r.For < shortestEnv || r.For > longestEnv:
		return plan.Plan{}, invalid(redact.F("It returns after a time from %s to %s, not %s.", shortestEnv, longestEnv, r.For))
	}
	l, err := c.live(ctx, op, svc)
	if err != nil {
		return plan.Plan{}, err
	}
	if err := refusePaused(op, l, "changed"); err != nil {
		return plan.Plan{}, err
	}
	d := draft{op: op, svc: svc, action: catalog.SetEnv, replaces: true, returns: r.For, before: plan.Before{Revision: l.revision()},
		params: map[string]string{paramKey: r.Key, paramValue: r.Value, paramContainer: r.Container, paramFor: r.For.String()}}
	if d.depends, err = dependOnTemplate(l); err != nil {
		return plan.Plan{}, err
	}
	found := false
	for i, container := range l.template.Spec.Containers {
		if r.Container != "" && container.Name != r.Container {
			continue
		}
		found = true
		was, set, err := variableOf(op, l, i, r)
		if err != nil {
			return plan.Plan{}, err
		}
		if len(set) > 0 {
			d.patch, d.before.Env = append(d.patch, set...), append(d.before.Env, was)
		}
	}
	if !found {
		return plan.Plan{}, &Error{Kind: NotFound, Op: op, Object: l.ref(), Message: redact.F("It has no container %q.", r.Container)}
	}
	if len(d.patch) == 0 {
		return plan.Plan{}, &Error{Kind: Empty, Op: op, Object: l.ref(), Message: redact.F("%s is %s already.", r.Key, r.Value)}
	}
	d.undo = redact.F("By itself after %s, agreed to together with this change: %s goes back to %s. Earlier: undo.", Short(r.For), r.Key, earlierValues(d.before.Env))
	d.kubectl = []string{"set", "env", l.ref(), r.Key + "=" + r.Value}
	if r.Container != "" {
		d.kubectl = append(d.kubectl, "--containers="+r.Container)
	}
	d.warnings = append(d.warnings, redact.Const("The pods are replaced twice: now, and when it returns."))
	if why, held := heldUp(l); held {
		d.warnings = append(d.warnings, redact.F("%s: no pod has the value until the one that is not ready is deleted: delete-pod %s", why, svc.Name))
	}
	if l.onDelete {
		d.warnings = append(d.warnings, redact.F("%s has strategy OnDelete: no pod has it until somebody deletes the pod.", l.ref()))
	}
	return c.propose(ctx, l, d)
}

// variableOf is how to set the variable in one container, nothing when it has that value already.
func variableOf(op string, l live, i int, r EnvRequest) (was plan.Variable, patch []plan.Operation, err error) {
	container := l.template.Spec.Containers[i]
	no := func(t redact.Text) (plan.Variable, []plan.Operation, error) {
		return was, nil, &Error{Kind: Unsupported, Op: op, Object: l.ref(), Message: t}
	}
	was = plan.Variable{Container: container.Name, Key: r.Key}
	at, ok := placeOfVariable(container, r.Key)
	if !ok {
		return no(redact.F("%s stands twice in container %s.", r.Key, container.Name))
	}
	env := []string{"spec", "template", "spec", "containers", strconv.Itoa(i), "env"}
	set := corev1.EnvVar{Name: r.Key, Value: r.Value}
	switch {
	case at >= 0 && container.Env[at].ValueFrom != nil:
		return no(redact.F("%s of container %s comes from a Secret, a ConfigMap or a field; change it there.", r.Key, container.Name))
	case at >= 0 && secretLike(r.Key, container.Env[at].Value):
		return no(redact.F("What stands in %s of container %s now looks like a secret, and it would have to be recorded.", r.Key, container.Name))
	case at >= 0 && container.Env[at].Value == r.Value:
		return was, nil, nil
	case at >= 0:
		was.Was = &container.Env[at].Value
		patch = make([]plan.Operation, 1)
		patch[0], err = plan.Op("replace", pointer(append(env, strconv.Itoa(at))...), set)
	case len(container.Env) == 0:
		patch = make([]plan.Operation, 1)
		patch[0], err = plan.Op("add", pointer(env...), []corev1.EnvVar{set})
	default:
		patch = make([]plan.Operation, 1)
		patch[0], err = plan.Op("add", pointer(append(env, "-")...), set)
	}
	return was, patch, err
}

// placeOfVariable finds a variable in a container, -1 when it is not set there; false when it stands there twice.
func placeOfVariable(c corev1.Container, key string) (at int, ok bool) {
	at = -1
	for i, e := range c.Env {
		if e.Name != key {
			continue
		}
		if at >= 0 {
			return at, false
		}
		at = i
	}
	return at, true
}

// secretLike reports whether our own rules would take something out of the value.
func secretLike(key, value string) bool {
	return redact.Clean(value).String() != value || redact.Clean(key+"="+value).String() != key+"="+value
}

func earlierValues(all []plan.Variable) string {
	var out []string
	for _, v := range all {
		was := "not set"
		if v.Was != nil {
			was = strconv.Quote(*v.Was)
		}
		out = append(out, was+" in "+v.Container)
	}
	return strings.Join(out, ", ")
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// undoEnv are the parameters that take a set-env back.
func undoEnv(op string, done plan.Plan, p map[string]string) (map[string]string, error) {
	if len(done.Before.Env) == 0 || done.Params[paramKey] == "" {
		return nil, &Error{Kind: Invalid, Op: op, Object: done.Target.String(), Message: redact.Const("It is not recorded what stood there before.")}
	}
	was, err := json.Marshal(done.Before.Env)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	p[paramKey], p[paramValue], p[paramEnv] = done.Params[paramKey], done.Params[paramValue], string(was)
	return p, nil
}

// planUnset takes a set-env back, container by container, and only where its very value still stands: whatever else was changed meanwhile stays,
// and a variable that somebody changed again is theirs.
func (c *Cluster) planUnset(ctx context.Context, svc catalog.Service, op, doneID string, params map[string]string, is func(live) error) (plan.Plan, error) {
	var was []plan.Variable
	if err := json.Unmarshal([]byte(params[paramEnv]), &was); err != nil {
		return plan.Plan{}, fmt.Errorf("%s: the variables as they were: %w", op, err)
	}
	l, err := c.live(ctx, op, svc)
	if err != nil {
		return plan.Plan{}, err
	}
	if err := is(l); err != nil {
		return plan.Plan{}, err
	}
	if err := refusePaused(op, l, "changed"); err != nil {
		return plan.Plan{}, err
	}
	d := draft{op: op, svc: svc, action: catalog.Undo, reverts: doneID, params: params, replaces: true, before: plan.Before{Revision: l.revision()}}
	if d.depends, err = dependOnTemplate(l); err != nil {
		return plan.Plan{}, err
	}
	byHand := []string{"set", "env", l.ref()}
	for _, v := range was {
		back, err := unsetting(op, l, v, params[paramValue])
		if err != nil {
			return plan.Plan{}, err
		}
		d.patch = append(d.patch, back...)
		if v.Was == nil {
			byHand = append(byHand, v.Key+"-")
		} else {
			byHand = append(byHand, v.Key+"="+*v.Was)
		}
	}
	d.kubectl = byHand[:min(4, len(byHand))] // the same variable for every container
	return c.propose(ctx, l, d)
}

func unsetting(op string, l live, v plan.Variable, set string) ([]plan.Operation, error) {
	no := func(t redact.Text) ([]plan.Operation, error) {
		return nil, &Error{Kind: Conflict, Op: op, Object: l.ref(), Message: t}
	}
	for i, container := range l.template.Spec.Containers {
		if container.Name != v.Container {
			continue
		}
		at, ok := placeOfVariable(container, v.Key)
		switch {
		case !ok, at < 0 && v.Was != nil:
			return no(redact.F("%s of container %s was changed again since, so it was left alone.", v.Key, v.Container))
		case at < 0:
			return nil, nil // back already
		case container.Env[at].ValueFrom == nil && v.Was != nil && container.Env[at].Value == *v.Was:
			return nil, nil // back already
		case container.Env[at].ValueFrom != nil || container.Env[at].Value != set:
			return no(redact.F("%s of container %s was changed again since, so it was left alone.", v.Key, v.Container))
		}
		path := pointer("spec", "template", "spec", "containers", strconv.Itoa(i), "env", strconv.Itoa(at))
		if v.Was == nil {
			return []plan.Operation{{Op: "remove", Path: path}}, nil
		}
		o, err := plan.Op("replace", path, corev1.EnvVar{Name: v.Key, Value: *v.Was})
		return []plan.Operation{o}, err
	}
	return no(redact.F("Container %s is gone since, so there is nothing to take back in it.", v.Container))
}

// Short writes a duration as people type it: 30m, not 30m0s.
func Short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
