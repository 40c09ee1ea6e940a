package k8sops_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/finding"
)

func TestChangesAsTheClusterTellsThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begin := time.Now().Add(-time.Second).Truncate(time.Second)
	b.world.Kubectl(t, "set", "env", "deployment/backend-deployment", "API_TOKEN=canary-of-a-value", "--field-manager=pipeline")
	b.world.Kubectl(t, "patch", "configmap", "web3-marketplace-config", "-p", `{"data":{"LOG_LEVEL":"canary-of-a-config"}}`, "--field-manager=somebody")
	b.world.Kubectl(t, "patch", "service", "backend-service", "-p", `{"spec":{"selector":{"track":"v2"}}}`)
	b.world.Kubectl(t, "set", "env", "statefulset/redis-master", "EXTRA=1")

	type want struct {
		kind      finding.ChangeKind
		object    string
		who, what string
	}
	tests := []struct {
		service string
		wants   []want
	}{
		{"backend", []want{
			{finding.ChangeRollout, "Deployment/backend-deployment", "pipeline", "env added: API_TOKEN"},
			{finding.ChangeConfig, "ConfigMap/web3-marketplace-config", "somebody", "LOG_LEVEL"},
			{finding.ChangeNetwork, "Service/backend-service", "kubectl-patch", "selector"},
		}},
		{"redis-master", []want{{finding.ChangeRollout, "StatefulSet/redis-master", "kubectl-set", "env added: EXTRA"}}},
	}
	for _, tt := range tests {
		var got finding.Changes
		var missing []want
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("%s: %+v", tt.service, got)
			}
		})
		eventually(t, "the changes of "+tt.service, func() bool {
			var err error
			if got, err = b.cluster.Changes(t.Context(), b.world.Service(tt.service), begin); err != nil {
				t.Fatal(err)
			}
			missing = nil
			for _, w := range tt.wants {
				if !hasChange(got, w.kind, w.object, w.who, w.what) {
					missing = append(missing, w)
				}
			}
			return len(missing) == 0 && len(got.Unread) == 0
		})
		for i, ch := range got.List {
			if strings.Contains(ch.What.String(), "canary") {
				t.Errorf("a value left the cluster: %s", ch.What)
			}
			if i > 0 && ch.When.After(got.List[i-1].When) {
				t.Errorf("%s stands after an older one", ch.What)
			}
		}
	}
	frontend := func() finding.Changes {
		t.Helper()
		got, err := b.cluster.Changes(t.Context(), b.world.Service("frontend"), begin)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, ch := range frontend().List {
		if ch.Kind != finding.ChangeConfig { // both read the one ConfigMap
			t.Errorf("of a service that nobody touched: %+v", ch)
		}
	}
	// What the autoscaler did, by its own event, and what somebody did to it.
	b.world.Kubectl(t, "patch", "hpa", "frontend-hpa", "-p", `{"spec":{"maxReplicas":9}}`, "--field-manager=tuner")
	b.world.Apply(t, `{"apiVersion":"v1","kind":"Event","metadata":{"name":"rescaled"},"type":"Normal","reason":"SuccessfulRescale","message":"New size: 4; reason: cpu resource utilization above target",
		"involvedObject":{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","namespace":"`+b.world.Namespace+`","name":"frontend-hpa"},"lastTimestamp":"`+time.Now().UTC().Format(time.RFC3339)+`"}`)
	eventually(t, "the autoscaler's move and its edit", func() bool {
		const hpa = "HorizontalPodAutoscaler/frontend-hpa"
		got := frontend()
		return hasChange(got, finding.ChangeScale, hpa, "autoscaler", "New size: 4; reason: cpu") && hasChange(got, finding.ChangeScale, hpa, "tuner", "maxReplicas")
	})
	// Right after the rollout with which the world was made, a scaling cannot be told from it.
	replicas := 2
	eventually(t, "a scaling", func() bool {
		replicas = 7 - replicas // 5, 2, 5…
		b.world.Kubectl(t, "scale", "deployment/frontend-deployment", "--replicas="+strconv.Itoa(replicas))
		return hasChange(frontend(), finding.ChangeScale, "Deployment/frontend-deployment", "kubectl", " to ")
	})
}

func hasChange(got finding.Changes, kind finding.ChangeKind, object, who, what string) bool {
	for _, ch := range got.List {
		if ch.Kind == kind && ch.Object == object && ch.Who == who && strings.Contains(ch.What.String(), what) {
			return true
		}
	}
	return false
}
