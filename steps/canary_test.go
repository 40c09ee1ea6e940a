package steps_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/k8stest"
	"github.com/svcdown/svcdown/runbook"
)

// secretsOf are secrets that stand somewhere in the world: the Secret's own values, what programs print, and what was planted below.
func secretsOf(t *testing.T, w *k8stest.World) []string {
	t.Helper()
	var secret struct{ Data map[string][]byte }
	if err := json.Unmarshal([]byte(w.Kubectl(t, "get", "secret", "web3-marketplace-secrets", "-o", "json")), &secret); err != nil {
		t.Fatal(err)
	}
	all := []string{"canary-sql-2Lr8Xw5Bn0Tq", "canary-cookie-7Hs2Kd9Wq4Lm", "canary-url-4Jd7Yp1Zc6Vk", "canary-note-8Gb3Fs9Mw2Qx", "canary-event-5Ht1Rn6Kz0Pj", "canary-map-9Uc4Eb7Ya3Sd", "canary-env-3Xq6Lo8Tf1Wi"}
	for _, v := range secret.Data {
		all = append(all, string(v))
	}
	if len(all) < 12 {
		t.Fatalf("the Secret holds %d values", len(secret.Data))
	}
	return all
}

// plantEverywhere puts secrets where people put them.
func plantEverywhere(t *testing.T, w *k8stest.World) {
	t.Helper()
	w.Kubectl(t, "annotate", "deployment", "backend-deployment", "ops.example.org/token=canary-note-8Gb3Fs9Mw2Qx")
	w.Kubectl(t, "patch", "configmap", "web3-marketplace-config", "-p", `{"data":{"UPSTREAM":"https://svc:canary-url-4Jd7Yp1Zc6Vk@api.example.org/v1","API_SECRET":"canary-map-9Uc4Eb7Ya3Sd"}}`)
	w.Kubectl(t, "set", "env", "deployment/backend-deployment", "PARTNER_API_KEY=canary-env-3Xq6Lo8Tf1Wi")
	w.Kubectl(t, "rollout", "status", "deployment/backend-deployment", "--timeout=60s")
	w.Apply(t, `{"apiVersion":"v1","kind":"Event","metadata":{"name":"canary"},"type":"Warning","reason":"Unhealthy","message":"dial postgres://app:canary-event-5Ht1Rn6Kz0Pj@db:5432/x refused",
		"involvedObject":{"apiVersion":"apps/v1","kind":"Deployment","namespace":"`+w.Namespace+`","name":"backend-deployment"},"lastTimestamp":"2026-01-01T00:00:00Z"}`)
}

// coats are the forms in which a secret would still be one.
func coats(secret string) []string {
	out := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret))}
	for shift := range 3 { // a secret inside of something longer, at each place of base64
		coded := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), secret...))
		out = append(out, coded[shift+1:len(coded)-2])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestNoCanaryIsInAnyReport plants secrets and asks for them in every way that a runbook can.
func TestNoCanaryIsInAnyReport(t *testing.T) {
	t.Parallel()
	w := k8stest.NewWorld(t)
	plantEverywhere(t, w)
	l, secrets := liveIn(t, w), secretsOf(t, w)
	const in = "kubectl exec deployment/backend-deployment -- "
	asked := stepsOf(t, w.Namespace)
	for _, command := range []string{
		in + "env", in + "printenv", in + "printenv JWT_SECRET DATABASE_URL PARTNER_API_KEY UPSTREAM", in + `node -p "process.env.JWT_SECRET"`, in + "env | grep -i secret", in + "ps aux", in + "top -b -n 1",
		in + "curl -i http://frontend-service:3001/", in + "curl -I http://frontend-service:3001/", in + "wget -S -O - http://frontend-service:3001/",
		in + "psql -h postgres-primary-service -U postgres -c 'SELECT * FROM pg_stat_activity'", in + `psql -h postgres-primary-service -U postgres -c 'SELECT pid, query FROM pg_stat_activity' | grep canary`,
		"kubectl exec redis-master-0 -- redis-cli config get '*'", "kubectl exec redis-master-0 -- redis-cli config get 'm*'", "kubectl exec redis-master-0 -- redis-cli info",
		"kubectl get events", "kubectl describe deployment backend-deployment", "kubectl get deployment backend-deployment -o yaml", "kubectl get deployment backend-deployment -o json | jq .metadata",
		"kubectl get pods -o json", "kubectl get configmap -o yaml", "kubectl get secrets -o yaml", "kubectl describe secret web3-marketplace-secrets", "kubectl logs deployment/backend-deployment --tail=1000",
		"kubectl get deployment backend-deployment -o jsonpath='{.spec.template.spec.containers[0].env}'", "kubectl rollout history deployment/backend-deployment --revision=2",
	} {
		asked = append(asked, stepOf(t, command))
	}
	answered := 0
	for _, step := range asked {
		if step.Class != runbook.Check {
			continue
		}
		for _, name := range []string{"backend", "redis-master"} {
			svc := l.service(t, name)
			bound, missing, err := l.runner.Bind(t.Context(), svc, step, nil)
			if err != nil || len(missing) > 0 {
				continue // of another kind of workload
			}
			for _, one := range bound {
				report := l.runner.Run(t.Context(), svc, one)
				if !report.Raw.Empty() {
					answered++
				}
				said, err := json.Marshal(report)
				if err != nil {
					t.Fatal(err)
				}
				for _, secret := range secrets {
					for _, coat := range coats(secret) {
						if strings.Contains(string(said), coat) {
							t.Errorf("%s: %s is in the report as %s", step.Source, secret, coat)
						}
					}
				}
			}
		}
	}
	if answered < 50 {
		t.Errorf("only %d reports held any output: the search proves little", answered)
	}
}
