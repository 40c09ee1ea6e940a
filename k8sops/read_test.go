package k8sops

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
)

var theService = catalog.Service{Name: "backend", Cluster: "here", Namespace: "shop", KubernetesService: "backend-service", Workload: catalog.Workload{Kind: "Deployment", Name: "backend"}}

func TestConcealedKeepsNamesAndTakesValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		resource string
		in, want string
	}{
		{"environment and headers", "pods",
			`{"spec":{"containers":[{"name":"a","env":[{"name":"LOG","value":"x"},{"name":"E","value":""},{"name":"F","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]}]}}`,
			`{"spec":{"containers":[{"name":"a","env":[{"name":"LOG","value":"[redacted]"},{"name":"E","value":""},{"name":"F","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]}]}}`},
		{"values of a ConfigMap, not its keys", "configmaps", `{"data":{"A":"1","B":""},"binaryData":{"C":"eA=="}}`, `{"data":{"A":"[redacted]","B":""},"binaryData":{"C":"[redacted]"}}`},
		{"foreign annotations, Kubernetes' own stay", "pods",
			`{"metadata":{"managedFields":[{}],"annotations":{"example.com/a":"x","deployment.kubernetes.io/revision":"3","kubectl.kubernetes.io/last-applied-configuration":"{}","evilkubernetes.io/a":"x","bare":"x"}}}`,
			`{"metadata":{"annotations":{"example.com/a":"[redacted]","deployment.kubernetes.io/revision":"3","evilkubernetes.io/a":"[redacted]","bare":"[redacted]"}}}`},
		{"annotations of a template", "deployments", `{"spec":{"template":{"metadata":{"annotations":{"a":"x"}}}}}`, `{"spec":{"template":{"metadata":{"annotations":{"a":"[redacted]"}}}}}`},
		{"what stands behind a password's flag", "pods",
			`{"spec":{"containers":[{"args":["--requirepass","x1y2","--port","6379"],"command":["redis-cli","-a","hunter"]}]}}`,
			`{"spec":{"containers":[{"args":["--requirepass","[redacted]","--port","6379"],"command":["redis-cli","-a","[redacted]"]}]}}`},
		{"what its key calls a secret", "widgets", `{"spec":{"password":"correct horse","size":3}}`, `{"spec":{"password":"[redacted]","size":3}}`},
		{"a login in front of an image, however short", "pods", `{"spec":{"containers":[{"image":"ci:pw1234@r.io/a:1"}]}}`, `{"spec":{"containers":[{"image":"ci:[redacted]@r.io/a:1"}]}}`},
		{"ordinary fields stay", "pods", `{"metadata":{"name":"a","uid":"0b5a3a3e-1"},"status":{"phase":"Running","podIP":"10.0.0.1"}}`, `{"metadata":{"name":"a","uid":"0b5a3a3e-1"},"status":{"phase":"Running","podIP":"10.0.0.1"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := concealed(mapping{version: "v1", resource: tt.resource, kind: "Any"}, json.RawMessage(tt.in))
			delete(got, "kind")
			delete(got, "apiVersion")
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			var have, want any
			if err := errors.Join(json.Unmarshal(text, &have), json.Unmarshal([]byte(tt.want), &want)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOnlyHealthEndpointsAreAskedRaw(t *testing.T) {
	t.Parallel()
	var asked []string
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte("[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n"))
	}, Options{})
	for _, path := range []string{"/api/v1/secrets", "/readyz/../api/v1/secrets", "/healthz?x=y", "", "/metrics", "//readyz", "/readyz%2f..%2fapi"} {
		got := c.Read(t.Context(), Place{Service: theService}, Health{Path: path})
		if got.Finding.Status != finding.Unknown || len(asked) > 0 {
			t.Errorf("%q: %s, asked %q", path, got.Finding.Line, asked)
		}
	}
	got := c.Read(t.Context(), Place{Service: theService}, Health{Path: "/readyz?verbose"})
	if got.Finding.Status != finding.Fail || got.Finding.Line.String() != "the API server's /readyz fails: etcd" || !strings.Contains(got.Raw.String(), "[-]etcd") {
		t.Errorf("%s %s\n%s", got.Finding.Status, got.Finding.Line, got.Raw)
	}
}

func TestOnlyAPartOfManyObjectsIsWrittenAsYAML(t *testing.T) {
	t.Parallel()
	var items []string
	for range 30 {
		items = append(items, `{"metadata":{"name":"a"},"spec":{"clusterIP":"`+strings.Repeat("x ", 50_000)+`"}}`)
	}
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"kind":"ServiceList","items":[` + strings.Join(items, ",") + `]}`))
	}, Options{})
	got := c.Read(t.Context(), Place{Service: theService, Services: []catalog.Service{theService}}, Get{Kinds: []string{"services"}, Output: "yaml"})
	if n := strings.Count(got.Raw.String(), "name: a\n"); n != 10 || !got.Truncated || got.Finding.Line.String() != "30 services" {
		t.Errorf("%d objects are written, truncated %t: %s", n, got.Truncated, got.Finding.Line)
	}
}

func TestAReadingEndsInTime(t *testing.T) {
	t.Parallel()
	c := answering(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got := c.Read(ctx, Place{Service: theService, Services: []catalog.Service{theService}}, Get{Kinds: []string{"services"}})
	if got.Finding.Status != finding.Unknown || !strings.Contains(got.Finding.Line.String(), "did not answer in time") || got.Finding.Fix.Empty() {
		t.Errorf("%s %s %s", got.Finding.Status, got.Finding.Line, got.Finding.Fix)
	}
}

func TestTheKubeletsVerdictOnSecretsIsTold(t *testing.T) {
	t.Parallel()
	waiting := func(message string) *corev1.Pod {
		return pod("api-1", "rs-1", func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CreateContainerConfigError", Message: message}}
		})
	}
	w := workload{kind: "Deployment"}
	w.meta.Name = "api"
	spec := corev1.PodSpec{Containers: []corev1.Container{{
		Env: []corev1.EnvVar{
			{Name: "URL", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}, Key: "url"}}},
			{Name: "KEY", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "other"}, Key: "key"}}},
		},
	}}, Volumes: []corev1.Volume{{Name: "certs", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "tls"}}}}}
	mount := &corev1.Event{Type: corev1.EventTypeWarning, Reason: "FailedMount", LastTimestamp: ago(time.Minute), InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "api-1"},
		Message: `MountVolume.SetUp failed for volume "certs" : secret "tls" not found`}
	c := &Cluster{o: Options{Now: func() time.Time { return noon }}.withDefaults()}
	tests := []struct {
		name   string
		pods   []*corev1.Pod
		events []*corev1.Event
		known  map[string]map[string]bool
		status finding.Status
		says   string
	}{
		{"nothing is wrong", []*corev1.Pod{pod("api-1", "rs-1", nil)}, nil, nil, finding.OK, "refers to 3 keys of 3 Secrets"},
		{"the Secret is gone", []*corev1.Pod{waiting(`secret "db" not found`)}, nil, nil, finding.Fail, "key url of secret db (env URL)"},
		{"the key is gone", []*corev1.Pod{waiting("couldn't find key url in Secret shop/db")}, nil, nil, finding.Fail, "key url of secret db (env URL)"},
		{"a volume's Secret is gone", []*corev1.Pod{pod("api-1", "rs-1", nil)}, []*corev1.Event{mount}, nil, finding.Fail, "secret tls (volume certs)"},
		{"a key is not among the names that may be read", []*corev1.Pod{pod("api-1", "rs-1", nil)}, nil, map[string]map[string]bool{"other": {"elsewhere": true}}, finding.Fail, "key key of secret other (env KEY)"},
		{"all keys are there", []*corev1.Pod{pod("api-1", "rs-1", nil)}, nil, map[string]map[string]bool{"other": {"key": true}}, finding.OK, "refers to 3 keys"},
		{"a listed Secret does not exist", []*corev1.Pod{pod("api-1", "rs-1", nil)}, nil, map[string]map[string]bool{"db": nil}, finding.Fail, "key url of secret db"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := judgeSecrets(w, referencesOf(spec), nil, complaints(tt.pods, tt.events, c), tt.known).Finding
			if got.Status != tt.status || !strings.Contains(got.Line.String(), tt.says) {
				t.Errorf("%s %s", got.Status, got.Line)
			}
			if missing := tt.status == finding.Fail; missing != (len(got.Signals) > 0 && got.Signals[0].Kind == finding.SecretMissing) {
				t.Errorf("signals %v", got.Signals)
			}
		})
	}
}

func TestErrorLinesAreKnown(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`{"level":"error","msg":"connect ECONNREFUSED 10.0.0.1:5432"}`:        "connection refused",
		`{"level":50,"msg":"boom"}`:                                           "error",
		`{"severity":"ERROR","message":"nil map"}`:                            "error",
		`{"level":"info","msg":"no space left on device was fixed"}`:          "",
		`{"level":"info","msg":"GET / 200"}`:                                  "",
		`2026-11-24 12:00:00 UTC [1] FATAL:  sorry, too many clients already`: "too many connections",
		`2026-11-24 12:00:00 UTC [1] LOG:  database system is ready`:          "",
		`panic: runtime error: index out of range`:                            "panic",
		`java.lang.OutOfMemoryError: Java heap space`:                         "out of memory",
		`TypeError: Cannot read properties of undefined (reading 'chainId')`:  "error",
		`E1124 12:00:00.000000       1 controller.go:1] failed`:               "error",
		`level=error ts=1 msg="x"`:                                            "error",
		`time="x" level=info msg="finished, 0 errors"`:                        "",
		`[ERROR] upstream`:                               "error",
		`npm ERR! code ELIFECYCLE`:                       "error",
		`getaddrinfo ENOTFOUND postgres-primary-service`: "name not found",
		`# Write error while saving DB to the disk(rdbSaveRio): No space left on device`: "disk full",
		`{"level":"error"`:     "", // cut off: no level that can be read
		`errors=0 requests=10`: "",
		``:                     "",
	} {
		kind, _, bad := wrong(line)
		got := kind.name.String()
		if bad && got == "" {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

func TestErrorsOfBeforeAreNotNews(t *testing.T) {
	t.Parallel()
	lines := []logLine{{at: noon.Add(-time.Hour), text: "panic: boom"}, {at: noon.Add(-time.Minute), text: "listening"}}
	in := inquiry{c: &Cluster{o: Options{Now: func() time.Time { return noon }}.withDefaults()}, at: Place{Service: theService}}
	view := viewPod(pod("backend-1", "rs-1", nil), noon)
	got := in.judgeLogs(finding.Finding{}.Line, false, []theLog{{view: view, container: "app", lines: lines}})
	if got.Status != finding.OK || !strings.Contains(got.Line.String(), "no error in the last 15 minutes; 1 before, the last at 11:00: panic: boom") {
		t.Errorf("%s %s", got.Status, got.Line)
	}
	got = in.judgeLogs(finding.Finding{}.Line, false, []theLog{{view: view, container: "app", lines: append(lines, logLine{at: noon, text: "panic: again"})}})
	if got.Status != finding.Fail || !strings.Contains(got.Line.String(), "errors: 1 of 3 lines, 1× panic; the last: panic: again") {
		t.Errorf("%s %s", got.Status, got.Line)
	}
}

// FuzzAnswersOfTheCluster: whatever an API server answers, a reading ends with a finding and no panic (a panic would be one of kind Internal).
func FuzzAnswersOfTheCluster(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `[]`, `{}`, `"x"`, `{"rows":null}`, `{"columnDefinitions":[{"name":"Name"}],"rows":[{}]}`,
		`{"columnDefinitions":[{"name":"Name"},{"name":"X","priority":1}],"rows":[{"cells":[1,null,{"a":1},[2],"\n\t",1e400],"object":{"metadata":[]}},{"cells":[],"object":7}]}`,
		`{"columnDefinitions":[{"name":"Name"}],"rows":[{"cells":["a"],"object":{"metadata":{"name":"a","labels":{"x":1},"annotations":[1]},"spec":{"containers":null},"status":{"containerStatuses":[{}],"conditions":[{}]}}}]}`,
		`{"items":[{"metadata":{"name":"a"}},null,7,{"spec":{"podSelector":null,"ingress":[{"from":[{}]}],"egress":[{"to":[{"ipBlock":{"cidr":"x"}}]}]}}]}`,
		`{"items":[{"apiVersion":"discovery.k8s.io/v1","endpoints":[{"addresses":null}]}]}`,
		`{"kind":"Deployment","metadata":{"name":"backend","namespace":"shop"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{}},"status":{}}`,
		`{"data":{"a":{"b":1}},"metadata":{"name":"x"}}`, `{"components":{"schemas":{"x":{"$ref":"#/x","items":{"$ref":"x"}}}}}`, strings.Repeat(`{"a":`, 200) + `1` + strings.Repeat(`}`, 200),
	} {
		f.Add([]byte(seed))
	}
	asks := []Reading{
		Get{Kinds: []string{"pods"}}, Get{Kinds: []string{"pods"}, Names: []string{"a"}, Output: "yaml"}, Get{Kinds: []string{"nodes", "persistentvolumes", "persistentvolumeclaims"}, Output: "wide"},
		Get{Kinds: []string{"networkpolicies"}, Output: "json"}, Get{Kinds: []string{"configmaps"}, ShowLabels: true}, Get{Kinds: []string{"all"}}, Get{Kinds: []string{"events"}, SortBy: ".lastTimestamp"},
		Get{Kinds: []string{"endpointslices", "endpoints"}}, Get{Kinds: []string{"services"}, SortBy: ".metadata.name", Output: "custom-columns=A:.metadata.labels,B:.spec"},
		Get{Kinds: []string{"pods"}, Output: "jsonpath={.items[*].metadata..name}"}, Get{Kinds: []string{"widgets"}}, Describe{Kinds: []string{"pods", "nodes", "services"}}, PodLogs{Kind: "deployments", Name: "backend"}, PodLogs{Kind: "pods", Name: "a", AllContainers: true},
		Top{}, Top{Nodes: true}, Events{}, Wait{Kinds: []string{"pods"}, For: "condition=Ready"}, RolloutStatus{Kind: "deployments", Name: "backend"}, RolloutHistory{Kind: "statefulsets", Name: "backend"},
		CanI{Verb: "get", Kind: "pods"}, CanI{List: true}, WhoAmI{}, APIResources{}, APIVersions{}, Explain{Path: "pods.spec"}, Version{}, ClusterInfo{}, Health{Path: "/readyz?verbose"}, SecretReferences{},
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body)
		}, Options{Now: func() time.Time { return noon }})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for _, ask := range asks {
			got := c.Read(ctx, Place{Service: theService, Services: []catalog.Service{theService}}, ask)
			if got.Finding.Line.Empty() || strings.Contains(got.Finding.Line.String(), "a defect of svcdown's own") {
				t.Errorf("%#v of %q: %q", ask, body, got.Finding.Line)
			}
			for _, e := range got.Finding.Evidence {
				if e.Table == nil {
					continue
				}
				for _, row := range e.Table.Rows {
					if len(row) != len(e.Table.Columns) {
						t.Errorf("%#v of %q: a row of %d cells under %d columns", ask, body, len(row), len(e.Table.Columns))
					}
				}
			}
		}
	})
}

func TestOfALogOnlyWhatWasWrittenLastIsKept(t *testing.T) {
	t.Parallel()
	log := "2026-11-23T13:00:00.1Z could not extend file: No space left on device\n2026-11-23T14:00:30Z \n2026-11-23T14:01:20.5Z PANIC:  of today\nno time\n"
	for name, c := range map[string]struct {
		log  string
		span time.Duration
		want string
	}{
		"of the last minute": {log, time.Minute, "\nPANIC:  of today\nno time\n"},
		"of two hours":       {log, 2 * time.Hour, "could not extend file: No space left on device\n\nPANIC:  of today\nno time\n"},
		"of nothing":         {"", time.Minute, ""},
		"without a last end": {"2026-11-23T14:00:30Z a", time.Minute, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, string(newestOf([]byte(c.log), c.span))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
