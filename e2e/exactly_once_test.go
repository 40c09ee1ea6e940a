package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/svcdown/svcdown/k8stest"
)

// crash is a step, how many changes the API server took in the end, and how the card ends.
type crash struct {
	step    string
	changes int
	ends    string
}

// crashes are the numbered steps of the execution protocol (docs/architecture.md) with what must be true after the bot died there and was
// started again: how many changes the API server took, and how the card ends.
var crashes = []crash{
	{"propose", 1, "Restart of backend worked"},  // nothing stored yet: the inbox job asks again
	{"proposed", 1, "Restart of backend worked"}, // stored, asked again: found by its key
	{"decided", 1, "Restart of backend worked"},
	{"leased", 1, "Restart of backend worked"},
	{"replanned", 1, "Restart of backend worked"},
	{"begun", 0, "Restart of backend: nothing was changed .interrupted before the change was sent"},
	{"called", 1, "Restart of backend worked"},
	{"ended", 1, "Restart of backend worked"},
}

const crashStory = `# SIGKILL at step %[1]s.
ready deployment/backend-deployment 3
bot one SVCDOWN_FAILPOINT=%[1]s:KILL
say alice ops /svcdown restart backend
%[2]s
see ops 'alice asks to restart backend'
click bob Approve
%[3]s
see ops '%[4]s'
changes %[5]d
count ops 'asks to restart backend' 1
`

// secondCrash lets one bot die before the call, a second while it finds out what became of it, and a third end it.
const secondCrash = `# SIGKILL at step %[1]s, after a SIGKILL at begun.
ready deployment/backend-deployment 3
bot one SVCDOWN_FAILPOINT=%[2]s:KILL
say alice ops /svcdown restart backend
see ops 'alice asks to restart backend'
click bob Approve
signal one ended
bot two SVCDOWN_FAILPOINT=%[1]s:KILL SVCDOWN_FAILPOINT_MARK=$WORK/second
signal two ended
exists second
bot three
see ops '%[3]s'
changes %[4]d
count ops 'asks to restart backend' 1
count ops '%[3]s' 1
`

// stopStory freezes one bot at a step until another has reconciled, then lets it run on.
const stopStory = `# SIGSTOP at step %[1]s, across the reconciliation by another bot.
ready deployment/backend-deployment 3
bot one SVCDOWN_FAILPOINT=%[1]s:STOP
say alice ops /svcdown restart backend
see ops 'alice asks to restart backend'
click bob Approve
signal one stopped
bot two
see ops '%[2]s'
signal one CONT
settled
changes %[3]d
see ops '%[2]s'
`

// once are the same steps for changes that are not one patch: what is asked, by whom it is approved, what its card is called, which step more
// it has, and what the API server's audit log must show.
var once = []struct {
	name, ready, ask, asks, noun string
	approve                      []string
	crashes                      []crash
}{
	{
		name: "delete_pod", ready: "statefulset/postgres-primary 1", ask: "delete-pod postgres", asks: "asks to delete a pod of postgres",
		noun: "Deletion of a pod of postgres", approve: []string{"bob", "carol"},
		crashes: []crash{
			{"begun", 0, "nothing was changed .interrupted before the change was sent"},
			{"marked", 0, "nothing was changed .interrupted before the change was sent"}, // our mark is on it, and it was not deleted
			{"called", 1, "worked"},
			{"ended", 1, "worked"},
		},
	},
	{
		name: "apply", ready: "deployment/backend-deployment 3", ask: "apply backend load.yaml", asks: "asks to apply a manifest for backend",
		noun: "Manifest of backend", approve: []string{"bob"},
		crashes: []crash{
			{"begun", 0, "nothing was changed .interrupted before the change was sent"},
			{"called", 1, "worked"},
			{"ended", 1, "worked"},
		},
	},
}

const onceStory = `# SIG%[1]s of %[2]s at step %[3]s.
ready %[4]s
bot one SVCDOWN_FAILPOINT=%[3]s:%[1]s
say alice ops /svcdown %[5]s
see ops '%[6]s'
%[7]s
signal one %[8]s
bot two
see ops '%[9]s'
%[10]s
changes %[11]d
see ops '%[9]s'
count ops '%[6]s' 1
count ops '%[9]s' 1

-- manifests/load.yaml --
apiVersion: batch/v1
kind: Job
metadata: {name: load}
spec:
  activeDeadlineSeconds: 600
  template:
    spec:
      restartPolicy: Never
      containers: [{name: k6, image: grafana/k6}]
`

// returnStory lets the bot die while a change returns by itself: the return is a request of its own, carried out once.
const returnStory = `# SIGKILL at step %[1]s of a return.
ready deployment/backend-deployment 3
bot one
say alice ops '/svcdown debug backend --for 30s'
see ops 'asks to set a variable of backend'
click bob Approve
see ops 'Variable of backend worked'
changes 1
signal one KILL
signal one ended
bot two SVCDOWN_FAILPOINT=%[1]s:KILL
signal two ended
bot three
see ops '%[2]s'
changes %[3]d
count ops 'The time of R-.{6} is over' 1
count ops '%[2]s' 1
`

func TestExactlyOnce(t *testing.T) {
	shared.cluster = k8stest.Shared(t)
	dir := t.TempDir()
	write := func(name, script string) {
		if err := os.WriteFile(filepath.Join(dir, name+".txtar"), []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const dies = "signal one ended\nbot two"
	for _, c := range crashes {
		asking, deciding := "", dies
		if strings.HasPrefix(c.step, "propose") {
			asking, deciding = dies, ""
		}
		write("kill_"+c.step, fmt.Sprintf(crashStory, c.step, asking, deciding, c.ends, c.changes))
	}
	for _, step := range []string{"taken-over", "voided", "reconciled"} {
		write("kill_"+step, fmt.Sprintf(secondCrash, step, "begun", "Restart of backend: nothing was changed .interrupted before the change was sent", 0))
	}
	write("kill_called_reconciled", fmt.Sprintf(secondCrash, "reconciled", "called", "Restart of backend worked", 1))
	write("stop_begun", fmt.Sprintf(stopStory, "begun", "Restart of backend: nothing was changed .interrupted before the change was sent", 0))
	write("stop_called", fmt.Sprintf(stopStory, "called", "Restart of backend worked", 1))
	write("stop_replanned", fmt.Sprintf(stopStory, "replanned", "Restart of backend worked", 1))
	for _, o := range once {
		var clicks []string
		for _, who := range o.approve {
			clicks = append(clicks, "click "+who+" Approve")
		}
		for _, c := range o.crashes {
			ends := o.noun + ".* " + c.ends
			for signal, how := range map[string][2]string{"KILL": {"ended", ""}, "STOP": {"stopped", "signal one CONT\nsettled"}} {
				if signal == "STOP" && c.step == "ended" {
					continue // nothing is left to do then
				}
				write(strings.ToLower(signal)+"_"+o.name+"_"+c.step, fmt.Sprintf(onceStory, signal, o.name, c.step, o.ready, o.ask, o.asks,
					strings.Join(clicks, "\n"), how[0], ends, how[1], c.changes))
			}
		}
	}
	write("kill_return_proposed", fmt.Sprintf(returnStory, "proposed", "Undo of backend worked", 2))
	write("kill_return_begun", fmt.Sprintf(returnStory, "begun", "Undo of backend: nothing was changed .interrupted before the change was sent", 1))
	write("kill_return_called", fmt.Sprintf(returnStory, "called", "Undo of backend worked", 2))
	testscript.Run(t, params(dir))
}
