package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// nobody listens there.
const nobody = "http://127.0.0.1:1"

// askers take turns, so that none meets the bot's limit for one person.
var askers = []string{"alice", "bob", "carol"}

func (s *stage) terminalEnv(person, server string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "KUBECONFIG=" + s.cluster.UserKubeconfigs[person], "SVCDOWN_SERVER=" + server, "SVCDOWN_CONFIG=" + s.config}
}

// terminal measures `svcdown status backend` as a person waits for it, against kubectl.
func (s *stage) terminal(ctx context.Context, w world) ([]row, error) {
	pod, err := s.kubectl(ctx, "get", "pods", "-l", "app=backend", "-o", "jsonpath={.items[0].metadata.name}")
	if err != nil {
		return nil, err
	}
	if err := until(ctx, time.Minute, func() error { _, err := s.kubectl(ctx, "top", "pods"); return err }); err != nil {
		return nil, err
	}
	var viaBot, own, one, six []time.Duration
	const warmUp = 2 // kubectl fills its discovery cache
	for round := range w.terminalRounds + warmUp {
		person := askers[round%len(askers)]
		var times [4]time.Duration
		for i, do := range []func() error{
			func() error { return s.status(ctx, person, s.bot.server) },
			func() error { return s.status(ctx, person, nobody) },
			func() error { _, err := s.kubectl(ctx, "get", "pods", "-l", "app=backend"); return err },
			func() error { return s.runbook(ctx, string(pod)) },
		} {
			var err error
			times[i] = took(func() { err = do() })
			if err != nil {
				return nil, err
			}
		}
		if round >= warmUp {
			viaBot, own, one, six = append(viaBot, times[0]), append(own, times[1]), append(one, times[2]), append(six, times[3])
		}
	}
	if top, err := s.kubectl(ctx, "top", "pods", "--no-headers"); err == nil {
		say("%s: kubectl top shows %d pods", w.name, bytes.Count(top, []byte("\n")))
	}
	small := w.events == 0
	against := func(what string, ours, theirs []time.Duration, target float64, counts bool) row {
		if !counts {
			target = 0
		}
		return row{key: "b", what: "status at the terminal, " + what, world: w.name, n: w.terminalRounds, value: ratio(median(ours), median(theirs)), unit: "×",
			target: target, note: fmt.Sprintf("%s / %s", short(median(ours)), short(median(theirs)))}
	}
	sixTarget := 0.1
	if small {
		sixTarget = 0.25
	}
	return []row{
		against("by the bot / one kubectl", viaBot, one, 1.5, true),
		against("by the bot / the runbook's six", viaBot, six, 0.25, small),
		against("on its own / one kubectl", own, one, 1.5, small),
		against("on its own / the runbook's six", own, six, sixTarget, true),
	}, nil
}

func (s *stage) status(ctx context.Context, person, server string) error {
	cmd := exec.CommandContext(ctx, s.binary, "status", "backend")
	cmd.Dir, cmd.Env = s.dir, s.terminalEnv(person, server)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	err := cmd.Run()
	if err != nil || !strings.Contains(out.String(), "endpoints") {
		return fmt.Errorf("svcdown status backend: %v\n%s%s", err, out.String(), problem.String())
	}
	return nil
}

// runbook is "Immediate Actions" of the Service Down runbook, one command after the other, as a person with a shell would run it.
func (s *stage) runbook(ctx context.Context, pod string) error {
	for _, args := range [][]string{
		{"get", "pods", "-l", "app=backend"},
		{"get", "events", "--sort-by=.lastTimestamp"}, // | tail -20 costs nothing next to it
		{"get", "endpoints", "backend-service"},
		{"describe", "pod", pod},
		{"logs", pod, "--tail=100"},
		{"top", "pods"},
	} {
		if _, err := s.kubectl(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// size is that of the binary as it is shipped.
func (s *stage) size() row {
	r := row{key: "f", what: "stripped binary", n: 1, unit: "MB", target: 60}
	if info, err := os.Stat(filepath.Clean(s.binary)); err == nil {
		r.value = float64(info.Size()) / 1e6
	}
	return r
}
