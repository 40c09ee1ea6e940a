package alertmanager_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/integrations/alertmanager"
	"github.com/svcdown/svcdown/integrations/alertmanager/amtest"
)

// What a real Alertmanager is told to keep quiet it keeps quiet, and nothing else.
func TestARealAlertmanagerKeepsQuiet(t *testing.T) {
	t.Parallel()
	am := start(t, "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
	now := time.Now().UTC().Truncate(time.Second)
	labels := map[string]string{"alertname": "ServiceDown", "service": "api", "pod": "p1"}
	client := alertmanager.New(am.URL+"/", "", time.Now)
	quiet := alertmanager.Silence{Labels: map[string]string{"alertname": "ServiceDown", "service": "api"}, Start: now, End: now.Add(2 * time.Hour), By: "alice", Why: "R-7K3MQX: known, being worked on"}
	id, err := client.Silence(t.Context(), quiet)
	if err != nil || id == "" {
		t.Fatalf("got silence %q, %v", id, err)
	}
	list, err := client.Silences(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("got %+v, %v", list, err)
	}
	list[0].Start = now // Alertmanager does not let one begin in the past
	quiet.ID, quiet.Active = id, true
	if diff := cmp.Diff(quiet, list[0]); diff != "" {
		t.Errorf("silence (-want +got):\n%s", diff)
	}
	if got := suppressed(t, am); got != 0 {
		t.Fatalf("got %d alerts silenced beforehand", got)
	}
	push(t, am, map[string]any{"labels": labels, "startsAt": time.Now().UTC()}, map[string]any{"labels": map[string]string{"alertname": "Other"}, "startsAt": time.Now().UTC()})
	if got := suppressed(t, am); got != 1 {
		t.Errorf("got %d alerts silenced, want the one", got)
	}
	fires, err := client.Firing(t.Context())
	if diff := cmp.Diff([]map[string]string{{"alertname": "Other"}}, fires); diff != "" || err != nil {
		t.Errorf("what still fires (-want +got):\n%s%v", diff, err)
	}
	if _, err := client.Silence(t.Context(), alertmanager.Silence{Start: now, End: now.Add(time.Hour), By: "alice", Why: "everything"}); err == nil {
		t.Error("a silence without labels would keep everything quiet, and was made")
	}
}

// suppressed counts the alerts that Alertmanager itself says are silenced, once it has looked at them.
func suppressed(t *testing.T, am *amtest.Server) (n int) {
	t.Helper()
	for {
		res, err := http.Get(am.URL + "/api/v2/alerts")
		if err != nil {
			t.Fatal(err)
		}
		var list []struct {
			Status struct {
				State string `json:"state"`
			} `json:"status"`
		}
		err = json.NewDecoder(res.Body).Decode(&list)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		n, looked := 0, true
		for _, a := range list {
			looked = looked && a.Status.State != "unprocessed"
			if a.Status.State == "suppressed" {
				n++
			}
		}
		if looked {
			return n
		}
	}
}
