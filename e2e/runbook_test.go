package e2e_test

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/svcdown/svcdown/slacksim"
)

// cmdEventually: eventually BOT REGEXP ARGS... asks at the terminal, as alice, until the answer matches.
func cmdEventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: eventually BOT REGEXP ARGS...")
	}
	s, re := of(ts), regexp.MustCompile("(?s)"+args[1])
	told := ""
	ts.Check(until(2*patience, func() error {
		cmd := exec.Command(shared.binary, args[2:]...)
		cmd.Dir = s.env.WorkDir
		cmd.Env = s.terminalEnv("alice", "http://"+s.bots[args[0]].listen)
		out, err := cmd.CombinedOutput()
		if err == nil && re.Match(out) {
			return nil
		}
		if !strings.Contains(string(out), "a lot of commands in a short time") {
			told = string(out) // what asking too often is answered says nothing of why
		}
		return fmt.Errorf("svcdown %v does not say %q: %v\n%s\n%s", args[2:], args[1], err, told, s.logs())
	}))
}

// cmdForm: form USER REGEXP... waits for a form on somebody's screen that shows all of this.
func cmdForm(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if neg || len(args) < 2 {
		ts.Fatalf("usage: form USER REGEXP...")
	}
	s.form(ts, args[0], func(v slacksim.View) bool { return matches(slacksim.Message{Blocks: v.Blocks}, args[1:]) })
}

// cmdFill: fill USER NAME=VALUE... fills in the form on somebody's screen and sends it.
func cmdFill(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	v := s.form(ts, args[0], func(slacksim.View) bool { return true })
	state := slacksim.ViewState{Values: map[string]map[string]map[string]any{}}
	for _, pair := range args[1:] {
		name, value, _ := strings.Cut(pair, "=")
		for _, b := range v.Blocks {
			if el, ok := b["element"].(map[string]any); ok && b["block_id"] == name {
				state.Values[name] = map[string]map[string]any{fmt.Sprint(el["action_id"]): {"type": el["type"], "value": value}}
			}
		}
		if state.Values[name] == nil {
			ts.Fatalf("the form has no field %q: %v", name, v.Blocks)
		}
	}
	ts.Check(s.slack.SubmitView(slacksim.ViewAct{User: args[0], ViewID: v.ID, Op: "submit", State: state}))
}

// cmdWrong: wrong USER NAME REGEXP waits until the form that somebody sent says what is wrong with a field; it stays open.
func cmdWrong(ts *testscript.TestScript, _ bool, args []string) {
	re := regexp.MustCompile(args[2])
	of(ts).form(ts, args[0], func(v slacksim.View) bool { return re.MatchString(v.Errors[args[1]]) })
}

func (s *story) form(ts *testscript.TestScript, user string, match func(slacksim.View) bool) slacksim.View {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	v, err := s.slack.WaitView(ctx, user, match)
	if err != nil {
		ts.Fatalf("%s sees no such form: %v\n%s\n%s", user, err, s.transcript(), s.logs())
	}
	return v
}
