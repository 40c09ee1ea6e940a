package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/svcdown/svcdown/k8stest"
	"github.com/svcdown/svcdown/runbooks"
)

// cmdTriaging: triaging makes svcdown.yaml of one who triages: backend depends on postgres and redis and has its health URL, and the shipped runbook
// stands in a folder of the team's own, with the story's namespace in its commands.
func cmdTriaging(ts *testscript.TestScript, _ bool, _ []string) {
	s := of(ts)
	out, err := shared.cluster.Command("seed", "--namespace", s.namespace, "--json").Output()
	ts.Check(err)
	var made k8stest.Sandbox
	ts.Check(json.Unmarshal(out, &made))
	dir := filepath.Join(s.env.WorkDir, "runbooks")
	ts.Check(os.MkdirAll(dir, 0o700))
	book, err := fs.ReadFile(runbooks.Files(), "service-down.md")
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(dir, "service-down.md"), bytes.ReplaceAll(book, []byte("web3-marketplace-prod"), []byte(s.namespace)), 0o600))
	config, err := os.ReadFile(s.config)
	ts.Check(err)
	text := string(config)
	for _, edit := range [][2]string{
		{"    aliases: [api]\n", fmt.Sprintf("    aliases: [api]\n    dependsOn: [postgres, redis]\n    health: [%q]\n", made.HealthURLs["backend"])},
		{"probes:\n", "probes:\n  allowLoopback: true\n"},
	} {
		if !strings.Contains(text, edit[0]) {
			ts.Fatalf("svcdown.yaml does not contain %q", edit[0])
		}
		text = strings.Replace(text, edit[0], edit[1], 1)
	}
	ts.Check(os.WriteFile(s.config, []byte(text+fmt.Sprintf("runbooks: {dir: %q}\n", dir)), 0o600))
}
