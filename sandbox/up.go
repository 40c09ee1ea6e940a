package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/svcdown/svcdown/sandbox/cluster"
)

// reportFD is where a detached supervisor finds the pipe to the command that
// started it.
const reportFD = 3

// readyLine ends the report of a start that succeeded.
const readyLine = "ready "

func newUpCommand(where *place) *cobra.Command {
	var namespace, ports string
	var nodes, owner int
	var detach, asJSON, reported bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start a control plane with the world in it; Ctrl-C stops it, unless --detach",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := where.layout()
			if err != nil {
				return err
			}
			base, err := parsePorts(ports)
			if err != nil {
				return err
			}
			if nodes < 1 {
				return fmt.Errorf("--nodes %d: a cluster needs at least 1 node", nodes)
			}
			r := request{layout: l, namespace: namespace, nodes: nodes, basePort: base, owner: owner}
			switch {
			case reported:
				return superviseReported(cmd.Context(), r)
			case detach:
				return upDetached(cmd.Context(), r, ports, asJSON)
			}
			return supervise(cmd.Context(), r, os.Stderr, func(w info) error {
				return printInfo(os.Stdout, w, asJSON)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&namespace, "namespace", defaultNamespace, "the namespace to fill with the runbook's services")
	flags.IntVar(&nodes, "nodes", 4, "how many nodes")
	flags.StringVar(&ports, "ports", "auto", "auto, or the first of seven consecutive ports")
	flags.IntVar(&owner, "owner", 0, "end the sandbox when the process with this id ends")
	flags.BoolVar(&detach, "detach", false, "return as soon as everything is ready, and leave it running")
	flags.BoolVar(&asJSON, "json", false, "print where everything is as one JSON object")
	flags.BoolVar(&reported, "reported", false, "")
	_ = flags.MarkHidden("reported")
	return cmd
}

func parsePorts(value string) (base int, err error) {
	if value == "auto" {
		return 0, nil
	}
	base, err = strconv.Atoi(value)
	if err != nil || base < 1024 || base > 65535-7 {
		return 0, fmt.Errorf("--ports %q: give auto or a number from 1024 to %d", value, 65535-7)
	}
	return base, nil
}

// upDetached starts a supervisor in a session of its own and follows its report
// until it is ready.
func upDetached(ctx context.Context, r request, ports string, asJSON bool) error {
	if err := prepare(r.layout); err != nil {
		return err
	}
	// Here and not in the supervisor, so that a terminal shows its progress.
	if _, err := ensureBinaries(ctx, os.Stderr); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this executable: %w", err)
	}
	logPath := filepath.Join(string(r.layout), "supervisor.log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the supervisor's log: %w", err)
	}
	defer log.Close()
	report, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer report.Close()
	child := exec.Command(self, "up", "--reported", "--dir", string(r.layout), "--namespace", r.namespace,
		"--nodes", strconv.Itoa(r.nodes), "--ports", ports, "--owner", strconv.Itoa(r.owner))
	child.Dir = string(r.layout)
	child.Stdout, child.Stderr = log, log
	child.ExtraFiles = []*os.File{theirs}
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = child.Start()
	theirs.Close()
	if err != nil {
		return fmt.Errorf("start the supervisor: %w", err)
	}
	// Asked to end while it starts: it stops what it has started, and says so.
	stopAsking := context.AfterFunc(ctx, func() { _ = child.Process.Signal(syscall.SIGTERM) })
	defer stopAsking()
	made, err := followReport(report, os.Stderr)
	if err != nil {
		_ = child.Wait()
		return err
	}
	return printInfo(os.Stdout, made, asJSON)
}

// followReport passes progress on until the supervisor is ready or gone.
func followReport(report io.Reader, progress io.Writer) (info, error) {
	scan := bufio.NewScanner(report)
	scan.Buffer(nil, 1<<20)
	var complaint []string
	for scan.Scan() {
		line := scan.Text()
		if rest, ok := strings.CutPrefix(line, readyLine); ok {
			var made info
			if err := json.Unmarshal([]byte(rest), &made); err != nil {
				return info{}, fmt.Errorf("read the supervisor's report: %w", err)
			}
			return made, nil
		}
		if text, ok := strings.CutPrefix(line, errorLine); ok {
			complaint = append(complaint, text)
			continue
		}
		fmt.Fprintln(progress, line)
	}
	if len(complaint) == 0 {
		return info{}, errors.New("start: the supervisor ended without a word; nothing of it runs any more")
	}
	return info{}, errors.New(strings.Join(complaint, "\n"))
}

// errorLine starts every line of a supervisor's last words.
const errorLine = "error "

// superviseReported is the detached side: the report goes to the pipe, and a
// caller that has gone before the end of the start stops it.
func superviseReported(ctx context.Context, r request) error {
	pipe := os.NewFile(reportFD, "report")
	if pipe == nil {
		return errors.New("--reported is for the sandbox itself; use --detach")
	}
	syscall.CloseOnExec(reportFD)
	started := false
	say := writerFunc(func(p []byte) (int, error) {
		fmt.Fprint(os.Stderr, string(p))
		if started {
			return len(p), nil
		}
		return pipe.Write(p)
	})
	err := supervise(ctx, r, say, func(w info) error {
		line, err := json.Marshal(w)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(pipe, "%s%s\n", readyLine, line); err != nil {
			return fmt.Errorf("report that all is ready: %w; whoever asked has gone", err)
		}
		started = true
		return pipe.Close()
	})
	if err != nil && !started {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintf(pipe, "%s%s\n", errorLine, strings.TrimRight(line, "\n"))
		}
	}
	return err
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func printInfo(out io.Writer, w info, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(w)
	}
	fmt.Fprintf(out, "API server      %s\nkubeconfig      %s\nbot kubeconfig  %s\naudit log       %s\nnamespace       %s\n",
		w.APIServer, w.Kubeconfig, w.BotKubeconfig, w.AuditLog, w.Namespace)
	var services []string
	for service := range w.HealthURLs {
		services = append(services, service)
	}
	slices.Sort(services)
	for _, service := range services {
		fmt.Fprintf(out, "health          %s %s\n", service, w.HealthURLs[service])
	}
	fmt.Fprintf(out, "people          %s (kubeconfigs in %s)\n",
		strings.Join(cluster.People, ", "), filepath.Join(w.Dir, "users"))
	return nil
}
