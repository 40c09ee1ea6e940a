package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/svcdown/svcdown/sandbox/binaries"
)

// source is carried inside the executable, so that it can build the control
// plane wherever it is run.
//
//go:embed go.mod go.sum etcd/main.go
var source embed.FS

func newBuildCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "Compile the control plane unless it is in the cache, and print its folder",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := ensureBinaries(cmd.Context(), os.Stderr)
			if err != nil {
				return err
			}
			fmt.Println(dir)
			return nil
		},
	}
}

func ensureBinaries(ctx context.Context, progress io.Writer) (string, error) {
	root, err := binaries.DefaultRoot()
	if err != nil {
		return "", err
	}
	return binaries.Cache{Root: root, Source: source, Programs: binaries.ControlPlane()}.Ensure(ctx, progress)
}
