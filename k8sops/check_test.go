package k8sops

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/svcdown/svcdown/finding"
)

// noon is when these tests happen.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) metav1.Time { return metav1.NewTime(noon.Add(-d)) }

func pod(name, rs string, change func(*corev1.Pod)) *corev1.Pod {
	yes := true
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: ago(2 * time.Hour), OwnerReferences: []metav1.OwnerReference{
			{Kind: "ReplicaSet", Name: rs, UID: types.UID(rs), Controller: &yes}}},
		Spec: corev1.PodSpec{NodeName: "node-1", Containers: []corev1.Container{{Name: "app", Image: "registry/app:1"}}},
		Status: corev1.PodStatus{
			Phase:             corev1.PodRunning,
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: ago(2 * time.Hour)}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "app", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}},
		},
	}
	if change != nil {
		change(p)
	}
	return p
}

func unreadyFor(p *corev1.Pod, d time.Duration) {
	p.Status.Conditions[0].Status, p.Status.Conditions[0].LastTransitionTime = corev1.ConditionFalse, ago(d)
	p.Status.ContainerStatuses[0].Ready = false
}

func crashing(code int32, reason string, since time.Duration) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		unreadyFor(p, since)
		p.Status.ContainerStatuses[0].RestartCount = 4
		p.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
		p.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, FinishedAt: ago(time.Minute)}
	}
}

func waiting(reason string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		unreadyFor(p, 5*time.Minute)
		p.Status.Phase = corev1.PodPending
		p.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "configmap \"settings\" not found"}}
	}
}

func TestPodVerdicts(t *testing.T) {
	t.Parallel()
	set := func(name string, revision string, age time.Duration) *appsv1.ReplicaSet {
		return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), CreationTimestamp: ago(age),
			Annotations: map[string]string{"deployment.kubernetes.io/revision": revision}}}
	}
	recentSets := []*appsv1.ReplicaSet{set("new", "7", 6*time.Minute), set("old", "6", 24*time.Hour)}
	oldSets := []*appsv1.ReplicaSet{set("new", "7", 3*time.Hour), set("old", "6", 24*time.Hour)}
	tests := []struct {
		name    string
		pods    []*corev1.Pod
		sets    []*appsv1.ReplicaSet
		desired int32
		status  finding.Status
		line    string
		kinds   []finding.Kind
	}{
		{"all well", []*corev1.Pod{pod("a", "new", nil), pod("b", "new", nil)}, oldSets, 2, finding.OK, "all 2 pods are ready", nil},
		{"two of three killed for memory right after a rollout",
			[]*corev1.Pod{pod("a", "new", crashing(137, "OOMKilled", 5*time.Minute)), pod("b", "new", crashing(137, "OOMKilled", 4*time.Minute)), pod("c", "old", nil)},
			recentSets, 3, finding.Fail, "2 of 3 pods crash since 11:55, exit 137 OOMKilled, after rollout 7", []finding.Kind{finding.OOMKilled}},
		{"a crash hours after the rollout is not told as its consequence",
			[]*corev1.Pod{pod("a", "new", crashing(1, "Error", 5*time.Minute)), pod("b", "new", nil)}, oldSets, 2, finding.Fail, "1 of 2 pods crashes since 11:55, exit 1", []finding.Kind{finding.CrashLoop}},
		{"a crash of yesterday says the day", []*corev1.Pod{pod("a", "x", crashing(3, "Error", 13*time.Hour))}, nil, 1, finding.Fail, "1 of 1 pod crashes since Nov 22 23:00, exit 3", []finding.Kind{finding.CrashLoop}},
		{"an image that cannot be pulled", []*corev1.Pod{pod("a", "x", waiting("ImagePullBackOff"))}, nil, 1, finding.Fail,
			"1 of 1 pod cannot pull its image since 11:55, image registry/app:1", []finding.Kind{finding.ImagePull}},
		{"a missing ConfigMap", []*corev1.Pod{pod("a", "x", waiting("CreateContainerConfigError"))}, nil, 1, finding.Fail,
			`1 of 1 pod cannot start its container since 11:55, configmap "settings" not found`, []finding.Kind{finding.ConfigError}},
		{"one of three not ready is a warning", []*corev1.Pod{pod("a", "x", func(p *corev1.Pod) { unreadyFor(p, 5*time.Minute) }), pod("b", "x", nil), pod("c", "x", nil)}, nil, 3,
			finding.Warn, "1 of 3 pods is not ready since 11:55, container app", []finding.Kind{finding.NotReady}},
		{"two of three not ready is a failure", []*corev1.Pod{pod("a", "x", func(p *corev1.Pod) { unreadyFor(p, 5*time.Minute) }), pod("b", "x", func(p *corev1.Pod) { unreadyFor(p, 6*time.Minute) }), pod("c", "x", nil)}, nil, 3,
			finding.Fail, "2 of 3 pods are not ready since 11:54, container app", []finding.Kind{finding.NotReady}},
		{"a pod that just came is starting", []*corev1.Pod{pod("a", "x", func(p *corev1.Pod) { unreadyFor(p, 5*time.Second); p.CreationTimestamp = ago(5 * time.Second) }), pod("b", "x", nil)}, nil, 2,
			finding.Warn, "1 of 2 pods is starting since 11:59, container app", []finding.Kind{finding.NotReady, finding.NeverReady}},
		{"a pod that waited for a node and was not ready since", []*corev1.Pod{pod("a", "x", func(p *corev1.Pod) {
			unreadyFor(p, 5*time.Minute)
			p.CreationTimestamp = ago(time.Hour)
			p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: ago(5 * time.Minute)})
		})}, nil, 1, finding.Fail, "1 of 1 pod is not ready since 11:55, container app", []finding.Kind{finding.NotReady, finding.NeverReady}},
		{"pods that end or have ended do not count", []*corev1.Pod{pod("a", "x", nil), pod("b", "x", func(p *corev1.Pod) { now := ago(0); p.DeletionTimestamp = &now }),
			pod("c", "x", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })}, nil, 1, finding.OK, "the one pod is ready", nil},
		{"a ready pod that was killed a minute ago", []*corev1.Pod{pod("a", "x", func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].RestartCount = 1
			p.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled", FinishedAt: ago(time.Minute)}
		})}, nil, 1, finding.Warn, "1 of 1 pod ready; 1 restarted within the last 10 minutes, exit 137 OOMKilled", nil},
		{"an evicted pod beside a good one", []*corev1.Pod{pod("a", "x", nil), pod("b", "x", func(p *corev1.Pod) {
			p.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "The node was low on resource: memory."}
		})}, nil, 1, finding.Warn, "1 of 1 pod ready; 1 were evicted: The node was low on resource: memory.", []finding.Kind{finding.Evicted}},
		{"no pods though some are wanted", nil, nil, 3, finding.Fail, "none of 3 pods exists", []finding.Kind{finding.NoPods}},
		{"scaled to zero", nil, nil, 0, finding.Fail, "deployment/app is scaled to zero: no pod runs", []finding.Kind{finding.ScaledToZero}},
		{"two kinds of trouble", []*corev1.Pod{pod("a", "x", crashing(2, "Error", 5*time.Minute)), pod("b", "x", func(p *corev1.Pod) { unreadyFor(p, time.Hour) })}, nil, 2,
			finding.Fail, "1 of 2 pods crashes since 11:55, exit 2; 1 more not ready", []finding.Kind{finding.CrashLoop, finding.NotReady}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workload{kind: "Deployment", meta: metav1.ObjectMeta{Name: "app"}, desired: tt.desired}
			f := judgePods(w, viewPods(tt.pods, noon), tt.sets, false, noon)
			if f.Status != tt.status || f.Line.String() != tt.line {
				t.Errorf("got %s %q, want %s %q", f.Status, f.Line, tt.status, tt.line)
			}
			var kinds []finding.Kind
			for _, s := range f.Signals {
				kinds = append(kinds, s.Kind)
			}
			if d := cmp.Diff(tt.kinds, kinds); d != "" {
				t.Errorf("signals: %s", d)
			}
			for _, e := range f.Evidence {
				for _, row := range e.Table.Rows {
					if len(row) != len(e.Table.Columns) {
						t.Errorf("a row has %d cells for %d columns", len(row), len(e.Table.Columns))
					}
				}
			}
		})
	}
}

func TestEndpointsCountEachPodOnceAndSeeAWrongSelector(t *testing.T) {
	t.Parallel()
	no, yes := false, true
	slice := func(family string, ready ...*bool) *discoveryv1.EndpointSlice {
		s := &discoveryv1.EndpointSlice{}
		for i, r := range ready {
			name := string(rune('a' + i))
			s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{family + name}, Conditions: discoveryv1.EndpointConditions{Ready: r},
				TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: name, UID: types.UID(name)}})
		}
		return s
	}
	w := workload{kind: "Deployment", meta: metav1.ObjectMeta{Name: "app"}, desired: 2,
		template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "a"}}}}
	tests := []struct {
		name     string
		selector string
		slices   []*discoveryv1.EndpointSlice
		status   finding.Status
		line     string
	}{
		{"both families of one pod", "a", []*discoveryv1.EndpointSlice{slice("10.0.0.", &yes, &yes), slice("fd00::", &yes, &yes)}, finding.OK, "service/svc: 2 of 2 endpoints ready"},
		{"no word on readiness means ready", "a", []*discoveryv1.EndpointSlice{slice("10.0.0.", nil)}, finding.OK, "service/svc: 1 of 1 endpoints ready"},
		{"one not ready", "a", []*discoveryv1.EndpointSlice{slice("10.0.0.", &yes, &no)}, finding.Warn, "service/svc: 1 of 2 endpoints ready"},
		{"none ready", "a", []*discoveryv1.EndpointSlice{slice("10.0.0.", &no, &no)}, finding.Fail, "service/svc has no ready endpoint: nothing answers behind it"},
		{"a selector of other pods", "b", nil, finding.Fail, "service/svc: 0 of 0 endpoints ready: its selector app=b does not match the pods of deployment/app"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "svc"}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": tt.selector}}}
			f := judgeEndpoints(service, tt.slices, w)
			if f.Status != tt.status || f.Line.String() != tt.line {
				t.Errorf("got %s %q, want %s %q", f.Status, f.Line, tt.status, tt.line)
			}
		})
	}
}

func TestEventsOfTheseObjectsAreGroupedNewestFirst(t *testing.T) {
	t.Parallel()
	event := func(kind, name, reason, message string, last time.Duration) *corev1.Event {
		return &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "n"}, Type: "Warning", InvolvedObject: corev1.ObjectReference{Kind: kind, Name: name, UID: types.UID("uid-" + name)},
			Reason: reason, Message: message, LastTimestamp: ago(last), Count: 2}
	}
	series := event("Pod", "app-1-gone", "Unhealthy", "Readiness probe failed", 50*time.Minute)
	series.Series = &corev1.EventSeries{Count: 9, LastObservedTime: metav1.NewMicroTime(noon.Add(-2 * time.Minute))}
	all := []*corev1.Event{
		event("Pod", "app-1-x", "BackOff", "Back-off restarting failed container app in pod app-1-x_n(uid-app-1-x)", time.Minute),
		event("Pod", "app-1-y", "BackOff", "Back-off restarting failed container app in pod app-1-y_n(uid-app-1-y)", 3*time.Minute),
		series,
		event("Pod", "other-1-x", "BackOff", "somebody else's", time.Second),
		event("Pod", "app-1-x-y", "BackOff", "another ReplicaSet's, whose name begins alike", time.Second),
	}
	about := concerned{prefixes: []string{"app-1-"}}
	f := judgeEvents(warningsOf(all), about, noon)
	want := "BackOff 4× on 2 objects, last at 11:59: Back-off restarting failed container app; 1 more kinds of warnings"
	if f.Status != finding.Warn || f.Line.String() != want {
		t.Errorf("got %s %q, want %q", f.Status, f.Line, want)
	}
	if len(f.Signals) != 1 || f.Signals[0].Kind != finding.ProbeFailing || !f.Signals[0].Since.Equal(noon.Add(-2*time.Minute)) {
		t.Errorf("the series does not count by its last observation: %+v", f.Signals)
	}
	later := judgeEvents(warningsOf(all), about, noon.Add(time.Hour))
	if later.Status != finding.OK || later.Line.String() != "no warning events since 11:59, the last was BackOff" {
		t.Errorf("an hour later: %s %q", later.Status, later.Line)
	}
}

func TestUsageAgainstLimits(t *testing.T) {
	t.Parallel()
	p := pod("a", "x", func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources = corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": quantity.MustParse("200m")}, Limits: corev1.ResourceList{"memory": quantity.MustParse("512Mi")}}
	})
	figures := func(memory string) []metricsv1beta1.PodMetrics {
		return []metricsv1beta1.PodMetrics{{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Containers: []metricsv1beta1.ContainerMetrics{
			{Name: "app", Usage: corev1.ResourceList{"cpu": quantity.MustParse("50m"), "memory": quantity.MustParse(memory)}}}}}
	}
	f := judgeUsage(figures("256Mi"), []*corev1.Pod{p})
	if want := "memory at most 256Mi of 512Mi limit (50%), CPU at most 50m of 200m requested (25%)"; f.Status != finding.OK || f.Line.String() != want {
		t.Errorf("got %s %q", f.Status, f.Line)
	}
	f = judgeUsage(figures("490Mi"), []*corev1.Pod{p})
	if f.Status != finding.Warn || len(f.Signals) != 1 || f.Signals[0].Kind != finding.MemoryNearLimit {
		t.Errorf("near its limit: %s %q %v", f.Status, f.Line, f.Signals)
	}
	if f = judgeUsage(nil, []*corev1.Pod{p}); f.Status != finding.Unknown || f.Fix.Empty() {
		t.Errorf("without figures: %s %q", f.Status, f.Line)
	}
}

func TestAutoscalerVerdicts(t *testing.T) {
	t.Parallel()
	two := int32(2)
	h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "front"}, Spec: autoscalingv2.HorizontalPodAutoscalerSpec{MinReplicas: &two, MaxReplicas: 10},
		Status: autoscalingv2.HorizontalPodAutoscalerStatus{CurrentReplicas: 4}}
	if f := judgeHPA([]*autoscalingv2.HorizontalPodAutoscaler{h}); f.Status != finding.OK || f.Line.String() != "front 2–10, now 4" {
		t.Errorf("got %s %q", f.Status, f.Line)
	}
	h.Status.CurrentReplicas = 10
	if f := judgeHPA([]*autoscalingv2.HorizontalPodAutoscaler{h}); f.Status != finding.Warn || len(f.Signals) != 1 || f.Signals[0].Kind != finding.HPAAtMax {
		t.Errorf("at its maximum: %s %q", f.Status, f.Line)
	}
	if f := judgeHPA(nil); f.Status != finding.OK {
		t.Errorf("without one: %s", f.Status)
	}
}

func TestNodeVerdicts(t *testing.T) {
	t.Parallel()
	node := func(t corev1.NodeConditionType, s corev1.ConditionStatus) *corev1.Node {
		return &corev1.Node{Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}, {Type: t, Status: s}}}}
	}
	down := &corev1.Node{Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionUnknown}}}}
	tests := []struct {
		name   string
		node   *corev1.Node
		status finding.Status
		kind   finding.Kind
	}{
		{"ready", node(corev1.NodeMemoryPressure, corev1.ConditionFalse), finding.OK, ""},
		{"under memory pressure", node(corev1.NodeMemoryPressure, corev1.ConditionTrue), finding.Warn, finding.NodePressure},
		{"silent", down, finding.Fail, finding.NodeDown},
		{"gone", nil, finding.Fail, finding.NodeDown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := judgeNodes(map[string]*corev1.Node{"node-1": tt.node}, []*corev1.Pod{pod("a", "x", nil)})
			if f.Status != tt.status {
				t.Errorf("got %s %q, want %s", f.Status, f.Line, tt.status)
			}
			if tt.kind != "" && (len(f.Signals) != 1 || f.Signals[0].Kind != tt.kind || f.Signals[0].Count != 1) {
				t.Errorf("signals %+v, want %s", f.Signals, tt.kind)
			}
		})
	}
}

func TestWorstPodsLeavesOutThoseThatAreGone(t *testing.T) {
	t.Parallel()
	evicted := pod("api-1", "rs-1", func(p *corev1.Pod) { p.Status.Phase, p.Status.Reason = corev1.PodFailed, "Evicted" })
	ending := pod("api-2", "rs-1", func(p *corev1.Pod) { now := ago(0); p.DeletionTimestamp = &now })
	well := pod("api-3", "rs-1", nil)
	unready := pod("api-4", "rs-1", func(p *corev1.Pod) {
		p.Status.Conditions[0].Status, p.Status.ContainerStatuses[0].Ready = corev1.ConditionFalse, false
	})
	tests := []struct {
		name string
		pods []*corev1.Pod
		n    int
		want []string
	}{
		{"the one that is not ready first, the gone not at all", []*corev1.Pod{evicted, ending, well, unready}, 5, []string{"api-4", "api-3"}},
		{"no more than asked for", []*corev1.Pod{evicted, ending, well, unready}, 1, []string{"api-4"}},
		{"the gone when there is nothing else", []*corev1.Pod{ending, evicted}, 5, []string{"api-1", "api-2"}},
		{"none", nil, 5, []string{}},
		{"a number below zero", []*corev1.Pod{well}, -1, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, worstPods(viewPods(tt.pods, noon), tt.n)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
