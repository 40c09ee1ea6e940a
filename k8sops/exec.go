package k8sops

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/client-go/util/exec"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// ExecRequest is one program to run inside a container. There is no shell, no terminal and no input: Argv is what the container runtime
// starts.
type ExecRequest struct {
	// Namespace is where it runs, "" for the service's.
	Namespace string
	// Kind is pods, deployments, statefulsets, daemonsets or services; of several pods one that is ready is taken.
	Kind, Name string
	// Container is the one to run in, "" for the pod's default.
	Container string
	// Argv is the program and its arguments. Only what the closed list of this package lets through is run.
	Argv []string
	// Timeout and MaxBytes bound the answer; 0 means 10 s and 256 KiB, which are also the most.
	Timeout  time.Duration
	MaxBytes int
}

// ExecResult is what a program answered. Its texts are reduced to what may leave the cluster, and cleaned: of an environment only the names
// are left, of SQL results no text of queries, of settings no passwords. Results of psql are lines of cells with tabs between them, names first.
type ExecResult struct {
	Pod, Container string
	Stdout, Stderr redact.Text
	ExitCode       int
	// Truncated: the program was cut off because its output was longer than what may travel; ExitCode is then -1.
	Truncated bool
	Took      time.Duration
}

const (
	execTime  = 10 * time.Second
	execBytes = 256 << 10
)

// Exec runs one program of a closed list inside a container and waits for its end. A program that ends with a code of its own is a result,
// not an error. When ctx or the time ends, the program may go on inside the container: Kubernetes does not end it. The errors of kind
// NoProgram (the image lacks it), NotRunning (there is no running container), Conflict (the container was replaced meanwhile), Forbidden
// and Invalid (not in the list) say that there is no answer, not that something is broken.
func (c *Cluster) Exec(ctx context.Context, svc catalog.Service, r ExecRequest) (ExecResult, error) {
	p, err := permitted(r.Argv)
	if err != nil {
		return ExecResult{}, err
	}
	limit := execTime
	if r.Timeout > 0 {
		limit = min(r.Timeout, execTime)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if r.Namespace == "" {
		r.Namespace = svc.Namespace
	}
	where, err := c.execTarget(ctx, r)
	if err != nil {
		return ExecResult{}, err
	}
	out := ExecResult{Pod: where.pod, Container: where.container}
	most := execBytes
	if r.MaxBytes > 0 {
		most = min(r.MaxBytes, execBytes)
	}
	b := &bounded{left: most, full: cancel}
	stdout, stderr := stream{b, new(bytes.Buffer)}, stream{b, new(bytes.Buffer)}
	start := time.Now()
	runErr := c.stream(ctx, where, r.Argv, stdout, stderr)
	out.Took = time.Since(start)
	b.mu.Lock() // a stream that was cut off may still be written to
	rawOut, rawErr, full := stdout.text.String(), stderr.text.String(), b.overflowed
	b.mu.Unlock()
	out.Truncated = full
	out.Stdout = redact.Clean(p.keep(r.Argv, cleanLines(rawOut)))
	out.Stderr = redact.Clean(cleanLines(rawErr))
	if full {
		out.ExitCode = -1
	} else if err := out.ended(ctx, where, r.Argv[0], limit, runErr); err != nil {
		return out, err
	}
	return out, c.stillThere(where)
}

func cleanLines(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
}

func (c *Cluster) stream(ctx context.Context, t execTarget, argv []string, stdout, stderr stream) error {
	url := c.client.CoreV1().RESTClient().Post().Namespace(t.namespace).Resource("pods").Name(t.pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: t.container, Command: argv, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
	overWebSocket, err := remotecommand.NewWebSocketExecutor(c.config, "GET", url.String())
	if err != nil {
		return err
	}
	overSPDY, err := remotecommand.NewSPDYExecutor(c.config, "POST", url)
	if err != nil {
		return err
	}
	// Only a connection that never became a stream is tried in the other way: the program has not been started then.
	executor, err := remotecommand.NewFallbackExecutor(overWebSocket, overSPDY, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	if err != nil {
		return err
	}
	return executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: stdout, Stderr: stderr})
}

// The texts in which container runtimes tell an exit code when the stream's protocol has no place for it.
var exitTexts = regexp.MustCompile(`(?:command terminated with exit code|exit status) (\d{1,3})\b`)

// noProgram is how runtimes say that there is no such file: runc and crun over containerd and CRI-O, and the kernel's own words.
var noProgram = regexp.MustCompile(`(?i)executable file [^\n]*not found|exec: "[^"\n]*": [^\n]*no such file or directory|stat [^\n]*no such file or directory|exec failed: No such file or directory`)

// ended reads how the program ended; nil when it ended by itself, with whatever code.
func (r *ExecResult) ended(ctx context.Context, t execTarget, program string, limit time.Duration, err error) error {
	op, object := "run "+program, "pod/"+t.pod+" container "+t.container
	var exit utilexec.CodeExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		r.ExitCode = exit.Code
	case ctx.Err() != nil:
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return &Error{Kind: Timeout, Op: op, Object: object, Err: err, Message: redact.F("It did not end within %s; it may go on inside the container.", limit.Round(time.Second))}
		}
		return apiError(op, object, ctx.Err())
	case noProgram.MatchString(err.Error()):
		return missing(op, object, program, err)
	default:
		m := exitTexts.FindStringSubmatch(err.Error())
		if m == nil {
			return execError(op, object, err)
		}
		r.ExitCode, _ = strconv.Atoi(m[1])
	}
	// Some runtimes start a stub that cannot find the program: 126 and 127 as a shell has them.
	if (r.ExitCode == 126 || r.ExitCode == 127) && noProgram.MatchString(r.Stderr.String()) {
		return missing(op, object, program, err)
	}
	return nil
}

func missing(op, object, program string, err error) error {
	return &Error{Kind: NoProgram, Op: op, Object: object, Err: err, Message: redact.F("The container's image has no %s.", program)}
}

func execError(op, object string, err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "container not found"), strings.Contains(text, "container is not created or running"), strings.Contains(text, "is not running"):
		return &Error{Kind: NotRunning, Op: op, Object: object, Err: err, Message: redact.Const("The container does not run.")}
	case strings.Contains(text, "is forbidden:"), strings.Contains(text, "(403)"), strings.Contains(text, "403 Forbidden"), strings.Contains(text, "denied request"):
		return &Error{Kind: Forbidden, Op: op, Object: object, Err: err, Message: redact.F("The API server forbids it: %s.", err)}
	}
	return apiError(op, object, err)
}

// bounded is the bound that both streams of one program share.
type bounded struct {
	mu         sync.Mutex
	left       int
	overflowed bool
	full       func() // ends the connection
}

type stream struct {
	b    *bounded
	text *bytes.Buffer
}

// Write keeps what still fits. Beyond that it ends the connection, so that nobody waits for a program that prints without end.
func (s stream) Write(p []byte) (int, error) {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	fits := min(len(p), s.b.left)
	s.text.Write(p[:fits])
	s.b.left -= fits
	if fits < len(p) {
		s.b.overflowed = true
		s.b.full()
	}
	return len(p), nil // an error would only be logged by client-go
}
