// Package realtool runs the real programs of this machine, for tests that compare what we do with what they do. It imports nothing of ours, and
// nothing of the product imports it.
package realtool

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Result is how a program ended.
type Result struct {
	Stdout, Stderr string
	Code           int // the exit code; -1 when a signal ended it
}

// Run runs a program with its arguments, without a shell, with environment added to this process's and with stdin to read. It ends with ctx. An
// error means that the program could not be started; what it says of itself is in the Result.
func Run(ctx context.Context, environment []string, stdin string, argv ...string) (Result, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return Result{}, fmt.Errorf("%s cannot be run: install it: %w", argv[0], err)
	}
	return Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}, nil
}
