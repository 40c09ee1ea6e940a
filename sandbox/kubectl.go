package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/svcdown/svcdown/sandbox/cluster"
)

func newKubectlCommand(where *place) *cobra.Command {
	return &cobra.Command{
		Use:   "kubectl -- ARGS",
		Short: "Run the built kubectl as the administrator, in the world's namespace",
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := where.running("")
			if err != nil {
				return err
			}
			bin, err := ensureBinaries(cmd.Context(), os.Stderr)
			if err != nil {
				return err
			}
			kubectl := exec.CommandContext(cmd.Context(), filepath.Join(bin, "kubectl"), args...)
			kubectl.Env = append(os.Environ(), "KUBECONFIG="+cluster.Layout(o.Dir).Kubeconfig())
			kubectl.Stdin, kubectl.Stdout, kubectl.Stderr = os.Stdin, os.Stdout, os.Stderr
			err = kubectl.Run()
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.Exited() {
				os.Exit(exit.ExitCode()) // kubectl has said why
			}
			return err
		},
	}
}
