package k8sops

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// CanI is kubectl auth can-i for svcdown's own account: what a runbook's commands may do when the bot runs them.
type CanI struct {
	Verb, Kind, Name, Subresource string // Kind is as written: pods, deployments.apps, pods/log, or a path such as /healthz
	Namespace                     string
	AllNamespaces                 bool // asked of the whole cluster
	List                          bool // every rule instead of one question
}

func (q CanI) read(ctx context.Context, in inquiry) (finding.Report, error) {
	ns := ""
	if !q.AllNamespaces {
		var err error
		if ns, err = in.namespace(q.Namespace); err != nil {
			return finding.Report{}, err
		}
	}
	if q.List {
		return in.rules(ctx, ns)
	}
	spec := authorizationv1.SelfSubjectAccessReviewSpec{}
	what := q.Verb + " " + q.Kind
	if strings.HasPrefix(q.Kind, "/") {
		spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Verb: q.Verb, Path: q.Kind}
	} else {
		kind, sub, _ := strings.Cut(q.Kind, "/")
		name := q.Name
		if sub != "" && name == "" && q.Subresource == "" && !subresources[sub] {
			name, sub = sub, "" // TYPE/NAME
		}
		resource, group, _ := strings.Cut(kind, ".")
		if resource != "*" {
			resource = pluralOf(resource)
		}
		if m, ok := knownKinds[resource]; ok && group == "" {
			group = m.group
		}
		ns := ns
		if m, ok := knownKinds[resource]; ok && !m.namespaced {
			ns = ""
		}
		spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
			Verb: q.Verb, Group: group, Resource: resource, Subresource: cmp.Or(q.Subresource, sub), Name: name, Namespace: ns}
	}
	r, err := in.c.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return finding.Report{}, apiError("ask whether svcdown may "+what, in.c.name, err)
	}
	out := finding.Report{Finding: finding.Finding{Check: "auth can-i", Status: finding.OK, Line: redact.F("svcdown's account may %s", what)}, Raw: redact.Const("yes\n")}
	if ns != "" {
		out.Finding.Line = redact.F("%s in namespace %s", out.Finding.Line, ns)
	}
	if !r.Status.Allowed {
		out.Finding.Status, out.Raw = finding.Warn, redact.Const("no\n")
		out.Finding.Line = redact.F("svcdown's account may not %s", what)
		if ns != "" {
			out.Finding.Line = redact.F("%s in namespace %s", out.Finding.Line, ns)
		}
		out.Finding.Fix = redact.Const("If the runbook needs it, extend the chart's RBAC; people's own permissions are theirs.")
		if reason := redact.Clean(oneLine(r.Status.Reason + " " + r.Status.EvaluationError)); !reason.Empty() {
			out.Finding.Evidence = []finding.Evidence{{Title: redact.Const("The API server says"), Code: reason.Short(300)}}
		}
	}
	return out, nil
}

var subresources = map[string]bool{"log": true, "exec": true, "status": true, "scale": true, "portforward": true, "eviction": true, "attach": true, "proxy": true, "token": true, "binding": true, "ephemeralcontainers": true, "finalize": true, "approval": true}

func (in inquiry) rules(ctx context.Context, ns string) (finding.Report, error) {
	r, err := in.c.client.AuthorizationV1().SelfSubjectRulesReviews().Create(ctx,
		&authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: cmp.Or(ns, in.at.Service.Namespace)}}, metav1.CreateOptions{})
	if err != nil {
		return finding.Report{}, apiError("ask what svcdown may do", in.c.name, err)
	}
	lines := [][]string{{"Resources", "Non-Resource URLs", "Resource Names", "Verbs"}}
	changing := []string{}
	for _, rule := range r.Status.ResourceRules {
		for _, res := range rule.Resources {
			for _, g := range rule.APIGroups {
				name := res
				if g != "" {
					name += "." + g
				}
				lines = append(lines, []string{name, "[]", fmt.Sprint(rule.ResourceNames), fmt.Sprint(rule.Verbs)})
				for _, v := range rule.Verbs {
					if !slices.Contains([]string{"get", "list", "watch"}, v) && !strings.HasPrefix(res, "self") {
						changing = append(changing, v+" "+name)
					}
				}
			}
		}
	}
	for _, rule := range r.Status.NonResourceRules {
		lines = append(lines, []string{"", fmt.Sprint(rule.NonResourceURLs), "[]", fmt.Sprint(rule.Verbs)})
	}
	f := finding.Finding{Check: "auth can-i", Status: finding.OK, Line: redact.F("svcdown's account has %d rules; besides reading it may: %s", len(lines)-1, orNothing(changing))}
	out := finding.Report{Finding: f}
	out.Raw, out.Truncated = printed(aligned(lines), false)
	return out, nil
}

// WhoAmI is kubectl auth whoami: as whom svcdown reads.
type WhoAmI struct{}

func (WhoAmI) read(ctx context.Context, in inquiry) (finding.Report, error) {
	r, err := in.c.client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return finding.Report{}, apiError("ask who svcdown is", in.c.name, err)
	}
	u := r.Status.UserInfo
	out := finding.Report{Finding: finding.Finding{Check: "auth whoami", Status: finding.OK, Line: redact.F("svcdown reads as %s", u.Username)}}
	// What a token carries besides (its ID, the node) is nobody's business here.
	out.Raw, out.Truncated = printed(aligned([][]string{{"ATTRIBUTE", "VALUE"}, {"Username", u.Username}, {"Groups", fmt.Sprint(u.Groups)}}), false)
	return out, nil
}
