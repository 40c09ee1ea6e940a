package k8sops

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// APIResources is kubectl api-resources.
type APIResources struct{ NoHeaders bool }

func (a APIResources) read(ctx context.Context, in inquiry) (finding.Report, error) {
	all, err := in.c.served(ctx)
	if err != nil {
		return finding.Report{}, err
	}
	all = slices.DeleteFunc(all, func(s served) bool { return s.resource == "" })
	slices.SortStableFunc(all, func(a, b served) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.resource, b.resource))
	})
	var lines [][]string
	if !a.NoHeaders {
		lines = append(lines, []string{"NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"})
	}
	groups := map[string]bool{}
	for _, s := range all {
		groups[s.group] = true
		lines = append(lines, []string{s.resource, strings.Join(s.short, ","), s.apiVersion(), fmt.Sprint(s.namespaced), s.kind})
	}
	out := finding.Report{Finding: finding.Finding{Check: "api-resources", Status: finding.OK, Line: redact.F("the cluster has %d kinds of objects in %d groups", len(all), len(groups))}}
	out.Raw, out.Truncated = printed(alignedBy(10, 4, 3, lines), false)
	return out, nil
}

// APIVersions is kubectl api-versions.
type APIVersions struct{}

func (APIVersions) read(ctx context.Context, in inquiry) (finding.Report, error) {
	all, err := in.c.served(ctx)
	if err != nil {
		return finding.Report{}, err
	}
	seen := map[string]bool{}
	for _, s := range all {
		for _, v := range s.versions {
			seen[mapping{group: s.group, version: v}.apiVersion()] = true
		}
	}
	out := finding.Report{Finding: finding.Finding{Check: "api-versions", Status: finding.OK, Line: redact.F("the cluster serves %d API versions", len(seen))}}
	out.Raw, out.Truncated = printed(strings.Join(sortedKeys(seen), "\n")+"\n", false)
	return out, nil
}

// Version is kubectl version: the API server's.
type Version struct{}

func (Version) read(ctx context.Context, in inquiry) (finding.Report, error) {
	body, err := in.c.fetch(ctx, "read the version", in.c.name, "/version", nil, "application/json")
	if err != nil {
		return finding.Report{}, err
	}
	var v version.Info
	if err := json.Unmarshal(body, &v); err != nil || v.GitVersion == "" {
		return finding.Report{}, &Error{Kind: Internal, Op: "read the version", Err: err, Message: redact.Const("The API server's version cannot be read.")}
	}
	out := finding.Report{Finding: finding.Finding{Check: "version", Status: finding.OK, Line: redact.F("the API server is %s", v.GitVersion)}}
	out.Raw, out.Truncated = printed(fmt.Sprintf("svcdown: %s\nServer Version: %s\n", in.c.o.Version, v.GitVersion), false)
	return out, nil
}

// ClusterInfo is kubectl cluster-info: where the API server is, and whether it calls itself ready.
type ClusterInfo struct{}

func (ClusterInfo) read(ctx context.Context, in inquiry) (finding.Report, error) {
	at := in.c.client.CoreV1().RESTClient().Get().URL()
	place := at.Scheme + "://" + at.Host // never a user, a path or a query
	out := finding.Report{Finding: finding.Finding{Check: "cluster-info", Status: finding.OK, Line: redact.F("the API server of %s answers at %s and calls itself ready", in.c.name, place)}}
	if err := in.c.Ping(ctx); err != nil {
		return finding.Report{}, err
	}
	out.Raw, out.Truncated = printed("Kubernetes control plane is running at "+place+"\n", false)
	return out, nil
}

// Health is kubectl get --raw of one of the API server's own health endpoints.
type Health struct{ Path string }

var healthEndpoint = regexp.MustCompile(`^/(healthz|livez|readyz|version)(/[a-z0-9/_-]*)?(\?verbose(=true)?)?$`)

func (h Health) read(ctx context.Context, in inquiry) (finding.Report, error) {
	if !healthEndpoint.MatchString(h.Path) {
		return finding.Report{}, &Error{Kind: OutOfBounds, Op: "get --raw", Message: redact.F("%s is none of /healthz, /livez, /readyz and /version.", h.Path)}
	}
	if strings.HasPrefix(h.Path, "/version") {
		return Version{}.read(ctx, in)
	}
	at, _, verbose := strings.Cut(h.Path, "?")
	r := in.c.client.CoreV1().RESTClient().Get().AbsPath(at).SetHeader("Accept", "*/*").MaxRetries(0)
	if verbose {
		r = r.Param("verbose", "true")
	}
	body, err := r.Do(ctx).Raw()
	out := finding.Report{Finding: finding.Finding{Check: "health", Status: finding.OK, Line: redact.F("the API server answers %s with ok", at)}}
	if err != nil && len(body) == 0 {
		body = spoken(err)
	}
	out.Raw, out.Truncated = printed(strings.TrimSuffix(string(body), "\n")+"\n", false)
	if err == nil {
		return out, nil
	}
	var failing []string
	for line := range strings.SplitSeq(string(body), "\n") {
		if name, ok := strings.CutPrefix(line, "[-]"); ok {
			name, _, _ = strings.Cut(name, " ")
			failing = append(failing, name)
		}
	}
	if len(failing) == 0 {
		return finding.Report{}, apiError("ask "+at, in.c.name, err)
	}
	out.Finding.Status = finding.Fail
	out.Finding.Line = redact.F("the API server's %s fails: %s", at, strings.Join(failing, ", "))
	return out, nil
}

// spoken is what the API server wrote under an error status; client-go keeps plain text only as the cause of its error.
func spoken(err error) []byte {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	for _, c := range status.Status().Details.Causes {
		if c.Type == metav1.CauseTypeUnexpectedServerResponse {
			return []byte(c.Message)
		}
	}
	return nil
}
