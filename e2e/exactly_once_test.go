package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/svcdown/svcdown/k8sops/k8stest"
)

// crashes are the numbered steps of the execution protocol (docs/architecture.md) with what must be true after the bot died there and was
// started again: how many changes the API server took, and how the card ends.
var crashes = []struct {
	step    string
	changes int
	ends    string
}{
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
	testscript.Run(t, params(dir))
}
