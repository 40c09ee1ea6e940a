package k8sops

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// SecretReferences is what becomes of kubectl get secret: which Secrets and keys the service's workload refers to, and what the kubelet says of
// them. No Secret is read, so no value can be shown; only of Secrets that the catalogue lists under the service's secretKeys are the
// names of the keys compared, and nothing else of them leaves [Cluster.keyNames].
type SecretReferences struct {
	Namespace string
	Names     []string // only these; all that the workload refers to when empty
}

func (s SecretReferences) read(ctx context.Context, in inquiry) (finding.Report, error) {
	ns, err := in.namespace(s.Namespace)
	if err != nil {
		return finding.Report{}, err
	}
	svc := in.at.Service
	w, err := in.c.workload(ctx, svc)
	if err != nil {
		return finding.Report{}, err
	}
	if ns != w.meta.Namespace {
		return finding.Report{}, &Error{Kind: OutOfBounds, Op: "read references", Object: "namespace " + ns, Message: redact.F(
			"The workload of %s is in namespace %s, and only its references are known.", svc.Name, w.meta.Namespace)}
	}
	refs := slices.DeleteFunc(referencesOf(w.template.Spec), func(r reference) bool {
		return r.kind != "Secret" || len(s.Names) > 0 && !slices.Contains(s.Names, r.name)
	})
	pods, err := in.c.podsOf(ctx, w)
	if err != nil {
		return finding.Report{}, err
	}
	events, err := readLive[*corev1.Event](ctx, in.c, warnings(ns))
	if err != nil {
		return finding.Report{}, err
	}
	said := complaints(pods.items, events.items, in.c)
	known := map[string]map[string]bool{}
	for _, name := range svc.SecretKeys {
		if slices.ContainsFunc(refs, func(r reference) bool { return r.name == name }) {
			keys, err := in.c.keyNames(ctx, ns, name)
			if err != nil && KindOf(err) != NotFound {
				return finding.Report{}, err
			}
			known[name] = keys // nil: it does not exist
		}
	}
	out := judgeSecrets(w, refs, s.Names, said, known)
	out.Finding.Check = "secret references"
	return out, nil
}

// keyNames are the names of a Secret's keys; nil with an error of kind NotFound when it does not exist. The Secret itself, with its annotations,
// which often hold every value once more, does not leave this function.
func (c *Cluster) keyNames(ctx context.Context, namespace, name string) (map[string]bool, error) {
	s, err := c.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, apiError("read the key names of secret "+name, "namespace "+namespace, err)
	}
	keys := map[string]bool{}
	for k := range s.Data {
		keys[k] = true
	}
	return keys, nil
}

// complaint is what a kubelet says about a ConfigMap or Secret.
type complaint struct {
	name, key string
	what      redact.Text
	pods      int
}

var (
	noSecret = regexp.MustCompile(`secrets? "([^"/]+)" not found`)
	noKey    = regexp.MustCompile(`couldn't find key (\S+) in Secret [^/\s]+/(\S+)`)
	noItem   = regexp.MustCompile(`references non-existent secret key: (\S+)`)
	ofVolume = regexp.MustCompile(`MountVolume\.SetUp failed for volume "([^"]+)"`)
)

// complaints reads the kubelets' verdicts: CreateContainerConfigError for variables, FailedMount for volumes.
func complaints(pods []*corev1.Pod, events []*corev1.Event, c *Cluster) []complaint {
	var out []complaint
	add := func(message string) {
		var said complaint
		switch {
		case noKey.MatchString(message):
			m := noKey.FindStringSubmatch(message)
			said = complaint{name: strings.Trim(m[2], ".,"), key: m[1]}
		case noItem.MatchString(message):
			said = complaint{key: noItem.FindStringSubmatch(message)[1]}
		case noSecret.MatchString(message):
			said = complaint{name: noSecret.FindStringSubmatch(message)[1]}
		default:
			return
		}
		said.what = redact.Clean(oneLine(message)).Short(200)
		for i := range out {
			if out[i].name == said.name && out[i].key == said.key {
				out[i].pods++
				return
			}
		}
		said.pods = 1
		out = append(out, said)
	}
	alive := map[string]bool{}
	for _, p := range pods {
		alive[p.Name] = true
		for _, s := range statuses(p) {
			if w := s.State.Waiting; w != nil && configReasons[w.Reason] {
				add(w.Message)
			}
		}
	}
	for _, e := range events {
		if e.Reason == "FailedMount" && alive[e.InvolvedObject.Name] && c.o.Now().Sub(eventTime(e)) <= current && ofVolume.MatchString(e.Message) {
			add(e.Message)
		}
	}
	return out
}

func judgeSecrets(w workload, refs []reference, asked []string, said []complaint, known map[string]map[string]bool) finding.Report {
	f := finding.Finding{Status: finding.OK}
	t := &finding.Table{Columns: texts("Secret", "Key", "Used as", "Verdict")}
	lines := [][]string{{"SECRET", "KEY", "USED AS", "VERDICT"}}
	var missing []redact.Text
	for _, r := range refs {
		verdict := "no complaint of the kubelet"
		keys, listed := known[r.name]
		switch {
		case listed && keys == nil:
			verdict = "the Secret does not exist"
		case listed && r.key != "" && !keys[r.key]:
			verdict = "the key does not exist"
		case listed:
			verdict = "is there"
		}
		for _, c := range said {
			if (c.name == r.name || c.name == "") && (c.key == "" || c.key == r.key) {
				verdict = c.what.String()
			}
		}
		if verdict != "no complaint of the kubelet" && verdict != "is there" && !r.optional {
			what := redact.F("secret %s", r.name)
			if r.key != "" {
				what = redact.F("key %s of secret %s", r.key, r.name)
			}
			missing = append(missing, redact.F("%s (%s)", what, r.use))
			f.Signals = append(f.Signals, finding.Signal{Kind: finding.SecretMissing, Object: "Secret/" + r.name, Detail: redact.F("%s: %s", what, verdict)})
		}
		key := r.key
		if key == "" {
			key = "(all)"
		}
		t.Rows = append(t.Rows, texts(r.name, key, r.use, verdict))
		lines = append(lines, []string{r.name, key, r.use, verdict})
	}
	names := map[string]bool{}
	for _, r := range refs {
		names[r.name] = true
	}
	switch {
	case len(missing) > 0:
		f.Status = finding.Fail
		f.Line = redact.F("%s cannot start: it refers to what is not there: %s", w.ref(), redact.Join(", ", missing[:min(len(missing), 4)]...))
		f.Fix = redact.Const("Put the Secret or the key back, or roll back the change that refers to it; a restart does not help.")
	case len(refs) == 0 && len(asked) > 0:
		f.Line = redact.F("%s does not refer to secret %s", w.ref(), strings.Join(asked, ", "))
	case len(refs) == 0:
		f.Line = redact.F("%s refers to no Secret", w.ref())
	default:
		f.Line = redact.F("%s refers to %d keys of %d Secrets, and no kubelet complains about them; values are never read", w.ref(), len(refs), len(names))
	}
	if len(t.Rows) > 0 {
		f.Evidence = []finding.Evidence{{Title: redact.Const("Secrets that the workload refers to"), Table: t}}
	}
	out := finding.Report{Finding: f}
	if len(refs) > 0 {
		text := fmt.Sprintf("# svcdown does not read Secrets. These are the references of %s, with what the kubelet says of them.\n%s", w.ref(), aligned(lines))
		out.Raw, out.Truncated = printed(text, false)
	}
	return out
}
