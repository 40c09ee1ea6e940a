package k8sops_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
)

const loadTest = `# Sends requests to the backend for a minute.
apiVersion: batch/v1
kind: Job
metadata:
  name: load-test
spec:
  backoffLimit: 0
  activeDeadlineSeconds: 300
  template:
    metadata:
      labels: {app: load-test}
    spec:
      restartPolicy: Never
      containers:
        - name: k6
          image: grafana/k6:1.4.0
          args: [run, /scripts/smoke.js]
          env: [{name: TARGET, value: "http://backend-service"}]
`

func applyOf(content, id string) k8sops.ApplyRequest {
	return k8sops.ApplyRequest{File: "load-test.yaml", Content: []byte(content), ID: id, Allowed: catalog.Manifests{Dir: "/m", Images: []string{"grafana/k6"}}}
}

func planApply(t *testing.T, b testBundle, id string) plan.Plan {
	t.Helper()
	p, err := b.cluster.PlanApply(t.Context(), b.backend, applyOf(loadTest, id))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAManifestRunsUnderANameOfItsOwnAndIsDeletedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, other := planApply(t, b, "R-222222"), planApply(t, b, "R-333333")
	if p.Target.Name != "load-test-r-222222" || p.Target.UID != "" || !p.Creates() {
		t.Errorf("the plan is for %s", p.Target)
	}
	if p.Digest() == other.Digest() || planApply(t, b, "R-222222").Digest() != p.Digest() {
		t.Error("two runs have one digest, or one run has two")
	}
	changed, err := b.cluster.PlanApply(t.Context(), b.backend, applyOf(loadTest+"# a comment\n", "R-222222"))
	if err != nil || changed.Digest() == p.Digest() {
		t.Errorf("another file has the same digest: %v", err)
	}
	for _, want := range []string{"+ spec.template.spec.containers[k6].image: grafana/k6:1.4.0", "value not shown"} {
		if !strings.Contains(p.Diff.String(), want) {
			t.Errorf("the diff lacks %q:\n%s", want, p.Diff)
		}
	}
	if r := execute(t, b, p, "R-222222"); r.Outcome != k8sops.Applied {
		t.Fatalf("%s: %s", r.Outcome, r.Message)
	}
	if got := landed(t, b, stored(t, p), "R-222222"); got != k8sops.Landed {
		t.Errorf("Landed says %s", got)
	}
	if state, err := b.cluster.Follow(t.Context(), b.backend, stored(t, p)); err != nil || !state.Done {
		t.Errorf("follow: %+v, %v", state, err)
	}
	if r := execute(t, b, p, "R-222222"); r.Outcome != k8sops.Refused {
		t.Errorf("a second call: %s", r.Outcome)
	}
	// Void after the fact takes nothing away and is no error.
	void(t, b, stored(t, p), "R-222222")
	if got := landed(t, b, stored(t, p), "R-222222"); got != k8sops.Landed {
		t.Errorf("after the void Landed says %s", got)
	}
	if _, err := b.cluster.PlanUndo(t.Context(), b.backend, stored(t, p), "R-444444"); k8sops.KindOf(err) != k8sops.Conflict {
		t.Errorf("the undo of another request: %v", err)
	}
	undo, err := b.cluster.PlanUndo(t.Context(), b.backend, stored(t, p), "R-222222")
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.cluster.Replan(t.Context(), b.backend, stored(t, undo))
	if err != nil || again.Digest() != undo.Digest() {
		t.Fatalf("the undo made again is another one: %v", err)
	}
	mark(t, b, again, "u1")
	if r := execute(t, b, again, "u1"); r.Outcome != k8sops.Applied {
		t.Fatalf("undo: %s: %s", r.Outcome, r.Message)
	}
	if state, err := b.cluster.Follow(t.Context(), b.backend, stored(t, undo)); err != nil || !state.Done {
		t.Errorf("follow the undo: %+v, %v", state, err)
	}
}

func TestALateCreateCannotLandAfterVoid(t *testing.T) {
	t.Parallel()
	f, b := faultyCluster(t, setup(t))
	p := planApply(t, b, "R-555555")
	f.method.Store(http.MethodPost)
	f.mode.Store("hold")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	done := make(chan k8sops.Result, 1)
	go func() {
		r, err := b.cluster.Execute(ctx, p, "R-555555")
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	<-ctx.Done()
	f.mode.Store("")
	void(t, b, stored(t, p), "R-555555")
	void(t, b, stored(t, p), "R-555555")
	if got := landed(t, b, stored(t, p), "R-555555"); got != k8sops.NotLanded {
		t.Errorf("Landed says %s", got)
	}
	close(f.held)
	if r := <-done; r.Outcome != k8sops.UnknownOutcome {
		t.Errorf("got %s: %s", r.Outcome, r.Message)
	}
	if n := f.sent.Load(); n != 1 {
		t.Fatalf("the late call was sent %d times", n)
	}
	if got := landed(t, b, stored(t, p), "R-555555"); got != k8sops.NotLanded {
		t.Errorf("after the late call Landed says %s", got)
	}
	if image := b.world.Kubectl(t, "get", "job/"+p.Target.Name, "-o", "jsonpath={.spec.suspend} {.spec.template.spec.containers[*].image}"); image != "true svcdown.invalid/void" {
		t.Errorf("under the name stands %q", image)
	}
	if r := execute(t, b, p, "R-555555"); r.Outcome != k8sops.Refused || !strings.Contains(r.Message.String(), "voided") {
		t.Errorf("a bot that wakes up after the void: %s: %s", r.Outcome, r.Message)
	}
}

func TestManifestsThatAreNotApplied(t *testing.T) {
	t.Parallel()
	b := looking(t)
	labels := b.world.Kubectl(t, "get", "deployment/backend-deployment", "-o", "jsonpath={.spec.selector.matchLabels}")
	spec := func(more string) string {
		return strings.Replace(loadTest, "      restartPolicy: Never\n", "      restartPolicy: Never\n"+more, 1)
	}
	container := func(more string) string { return loadTest + more }
	for name, c := range map[string]struct{ content, says string }{
		"not YAML at all":                       {":\n\t", "cannot be read"},
		"nothing":                               {"# nothing\n", "exactly one object"},
		"two objects":                           {loadTest + "---\n" + loadTest, "exactly one object"},
		"another kind":                          {"apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: grafana/k6}]}\n", "only a Job"},
		"a Role":                                {"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: x}\n", "only a Job"},
		"an unknown field":                      {strings.Replace(loadTest, "backoffLimit", "backofLimit", 1), "cannot be read"},
		"a field twice":                         {loadTest + "          image: evil\n", "cannot be read"},
		"another namespace":                     {strings.Replace(loadTest, "  name: load-test\n", "  name: load-test\n  namespace: kube-system\n", 1), "namespace kube-system"},
		"a path of the node":                    {spec("      volumes: [{name: h, hostPath: {path: /}}]\n"), "Volume h"},
		"a Secret as a volume":                  {spec("      volumes: [{name: s, secret: {secretName: db}}]\n"), "Volume s"},
		"a projected token":                     {spec("      volumes: [{name: p, projected: {sources: [{serviceAccountToken: {path: t}}]}}]\n"), "Volume p"},
		"somebody's data":                       {spec("      volumes: [{name: d, persistentVolumeClaim: {claimName: data-postgres-primary-0}}]\n"), "Volume d"},
		"another identity":                      {spec("      serviceAccountName: admin\n"), "service account admin"},
		"another identity, the old way":         {spec("      serviceAccount: admin\n"), "service account admin"},
		"the node's network":                    {spec("      hostNetwork: true\n"), "node's network"},
		"the node's processes":                  {spec("      hostPID: true\n"), "processes"},
		"a node by name":                        {spec("      nodeName: node-1\n"), "names its node"},
		"a priority":                            {spec("      priorityClassName: system-node-critical\n"), "priority"},
		"sysctls":                               {spec("      securityContext: {sysctls: [{name: kernel.msgmax, value: \"1\"}]}\n"), "more rights"},
		"privileged":                            {container("          securityContext: {privileged: true}\n"), "more rights"},
		"a capability":                          {container("          securityContext: {capabilities: {add: [SYS_ADMIN]}}\n"), "more rights"},
		"a privileged init container":           {spec("      initContainers: [{name: i, image: grafana/k6, securityContext: {privileged: true}}]\n"), "Container i"},
		"a probe that the node sends elsewhere": {container("          livenessProbe: {httpGet: {host: 169.254.169.254, port: 80, path: /latest}}\n"), "names the host 169.254.169.254"},
		"a hook that the node sends elsewhere":  {container("          lifecycle: {postStart: {tcpSocket: {host: 10.0.0.1, port: 22}}}\n"), "names the host 10.0.0.1"},
		"a list with a Job in it":               {"apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(loadTest), "\n", "\n  ") + "\n", "only a Job"},
		"a name that the server makes":          {strings.Replace(loadTest, "  name: load-test\n", "  name: load-test\n  generateName: x-\n", 1), "generated name"},
		"more than one object by a mark inside": {strings.Replace(loadTest, "apiVersion", "--- {}\n---\napiVersion", 1), "exactly one object"},
		"anchors that grow":                     {"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n" + loadTest, "cannot be read"},
		"a port of the node":                    {container("          ports: [{containerPort: 80, hostPort: 80}]\n"), "port of the node"},
		"a Secret as environment":               {container("          envFrom: [{secretRef: {name: db}}]\n"), "Secret db"},
		"a Secret's key":                        {strings.Replace(loadTest, `value: "http://backend-service"`, "valueFrom: {secretKeyRef: {name: db, key: password}}", 1), "reads Secret db"},
		"an image of somebody else":             {strings.Replace(loadTest, "grafana/k6:1.4.0", "evil.example/grafana/k6:1.4.0", 1), "not of the repositories"},
		"the labels of the service":             {strings.Replace(loadTest, "{app: load-test}", labels, 1), "own pods"},
		"a selector of its own":                 {strings.Replace(loadTest, "  backoffLimit: 0\n", "  manualSelector: true\n  selector: {matchLabels: {app: x}}\n", 1), "chooses its pods"},
		"an owner":                              {strings.Replace(loadTest, "  name: load-test\n", "  name: load-test\n  ownerReferences: [{apiVersion: v1, kind: Pod, name: x, uid: u}]\n", 1), "has an owner"},
	} {
		_, err := b.cluster.PlanApply(t.Context(), b.backend, applyOf(c.content, "R-666666"))
		if k8sops.KindOf(err) != k8sops.Invalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
