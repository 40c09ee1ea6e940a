package binaries

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// buildFlags are the same for counting and for building: different flags would
// count other packages than are built.
func buildFlags() []string {
	const version = "k8s.io/component-base/version."
	number := strings.Split(strings.TrimPrefix(KubernetesVersion, "v"), ".")
	return []string{
		"-buildvcs=false", "-trimpath",
		"-ldflags=-s -w -X " + version + "gitVersion=" + KubernetesVersion +
			" -X " + version + "gitMajor=" + number[0] + " -X " + version + "gitMinor=" + number[1],
	}
}

// build compiles everything into a temporary folder and renames it to dir as the
// last act.
func (c Cache) build(ctx context.Context, dir string, progress io.Writer) error {
	work, err := os.MkdirTemp(c.Root, "building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	src, out := filepath.Join(work, "src"), filepath.Join(work, "bin")
	if err := os.MkdirAll(out, 0o700); err != nil {
		return err
	}
	if err := os.CopyFS(src, c.Source); err != nil {
		return err
	}
	report := newReport(progress, time.Now(), len(c.Programs))
	report.say("reading the module graph (the first time this downloads about 1 GB of sources)")
	todo, err := c.countStale(ctx, src)
	if err != nil {
		return err
	}
	report.start(todo, out)
	err = c.compile(ctx, src, out, report)
	report.stop()
	if err != nil {
		return err
	}
	if err := os.Rename(out, dir); err != nil {
		return err
	}
	report.say(fmt.Sprintf("built %d programs in %s", len(c.Programs), dir))
	return nil
}

// countStale returns how many packages Go has to compile: those that are not in
// its own build cache yet.
func (c Cache) countStale(ctx context.Context, src string) (int, error) {
	// A program is stale also when only its linking is left to do.
	const format = `{{if and .Stale (ne .StaleReason "not installed but available in build cache")}}{{.ImportPath}}{{end}}`
	args := append([]string{"list", "-deps", "-f", format}, buildFlags()...)
	cmd := goCommand(ctx, src, append(args, c.Programs...)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	list, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("go list: %w\n%s", err, complaint.String())
	}
	return len(strings.Fields(string(list))), nil
}

func (c Cache) compile(ctx context.Context, src, out string, report *report) error {
	args := append([]string{"build", "-v", "-o", out + string(filepath.Separator)}, buildFlags()...)
	cmd := goCommand(ctx, src, append(args, c.Programs...)...)
	lines, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var complaints []string
	scan := bufio.NewScanner(lines)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		line := scan.Text()
		if isImportPath(line) {
			report.compiled(line)
			continue
		}
		complaints = append(complaints, line)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, strings.Join(complaints, "\n"))
	}
	return nil
}

func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	// A workspace or vendoring flag of the caller's must not leak into this module.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// isImportPath tells a package line of `go build -v` from compiler output, which
// has spaces or starts with "#".
func isImportPath(line string) bool {
	return line != "" && !strings.ContainsAny(line, " \t#:")
}
