package incident_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// gathered is one alert with its severity, as a batch of its own.
func gathered(name string, s incident.AlertStatus, severity int) incident.Gathered {
	return incident.Gather([]incident.Alert{{Fingerprint: name, Status: s, Service: "backend", Severity: severity, Source: "alertmanager", Labels: map[string]string{"alertname": name}}})[0]
}

func TestAWorseAlertRaisesTheSeverityOnceAndEscalatesAnew(t *testing.T) {
	t.Parallel()
	i, _ := incident.New("I-7K3MQX", incident.KeyOf("backend"), "backend", redact.Const("slow"), 3, "alertmanager", noon)
	i.Escalate(ladder(), people, noon)
	if _, err := i.Acknowledge("alice", after(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for n, step := range []struct {
		name     string
		alert    incident.Gathered
		severity int
		says     []string
		round    int
	}{
		{"as bad as it is", gathered("Slow", incident.Firing, 3), 3, nil, 1},
		{"one that says nothing of it", gathered("Odd", incident.Firing, 0), 3, nil, 1},
		{"a worse one", gathered("Down", incident.Firing, 1), 1, []string{"Severity 3 → 1, because Down fires. The escalation begins anew"}, 2},
		{"the same again", gathered("Down", incident.Firing, 1), 1, nil, 2},
		{"a milder one", gathered("Slow", incident.Firing, 3), 1, nil, 2},
		{"its recovery", gathered("Down", incident.Recovered, 1), 1, nil, 2},
	} {
		var said []string
		for _, e := range i.Worsen(step.alert, after(time.Duration(n+2)*time.Minute)) {
			said = append(said, e.Text.String())
		}
		if diff := cmp.Diff(step.says, said); diff != "" || i.Severity != step.severity || i.Climb.Round != step.round {
			t.Errorf("%s: severity %d, round %d, said (-want +got):\n%s", step.name, i.Severity, i.Climb.Round, diff)
		}
	}
	if diff := cmp.Diff([]string{"level:2:1"}, levels(i.Escalate(ladder(), people, after(10*time.Minute)))); diff != "" {
		t.Errorf("called (-want +got):\n%s", diff)
	}
	// What people say of alerts that they know stays.
	if _, err := i.Rate(4, "alice", after(11*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if e := i.Worsen(gathered("Down", incident.Firing, 1), after(12*time.Minute)); len(e) > 0 || i.Severity != 4 || i.Climb.Round != 2 {
		t.Errorf("severity %d, round %d, %v", i.Severity, i.Climb.Round, e)
	}
}

func TestAWorseAlertWakesWhomItsLadderNamesAtOnce(t *testing.T) {
	t.Parallel()
	i, _ := incident.New("I-7K3MQX", incident.OverflowKey, "", redact.Const("many"), 4, "alertmanager", noon)
	if due := i.Due(catalog.Ladder{}); !due.IsZero() {
		t.Fatalf("due at %s without a ladder", due)
	}
	i.Worsen(gathered("Down", incident.Firing, 2), after(time.Hour))
	if due := i.Due(ladder()); !due.Equal(after(time.Hour)) {
		t.Errorf("due at %s", due)
	}
	mine := fresh()
	if e := mine.Worsen(gathered("Slow", incident.Firing, 4), after(time.Hour)); len(e) > 0 || mine.Severity != 2 {
		t.Errorf("a mild alert makes what a person opened severity %d: %v", mine.Severity, e)
	}
	if _, err := i.Move(incident.Resolved, "alice", redact.Text{}, after(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if e := i.Worsen(gathered("Worse", incident.Firing, 1), after(3*time.Hour)); len(e) != 1 || e[0].Text.String() != "Severity 2 → 1, because Worse fires" {
		t.Errorf("of what is over it says %v", e)
	}
}
