package e2e_test

import (
	"fmt"
	"os/exec"
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdEventually: eventually BOT REGEXP ARGS... asks at the terminal, as alice, until the answer matches.
func cmdEventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: eventually BOT REGEXP ARGS...")
	}
	s, re := of(ts), regexp.MustCompile("(?s)"+args[1])
	ts.Check(until(patience, func() error {
		cmd := exec.Command(shared.binary, args[2:]...)
		cmd.Dir = s.env.WorkDir
		cmd.Env = s.terminalEnv("alice", "http://"+s.bots[args[0]].listen)
		out, err := cmd.CombinedOutput()
		if err != nil || !re.Match(out) {
			return fmt.Errorf("svcdown %v does not say %q: %v\n%s\n%s", args[2:], args[1], err, out, s.logs())
		}
		return nil
	}))
}
