package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/svcdown/svcdown/sandbox/process"
	"github.com/svcdown/svcdown/sandbox/world"
	"github.com/svcdown/svcdown/sandbox/world/standin"
)

func main() {
	// The world's kubelets run this executable under the names of psql, curl and
	// others; what they run must end with them.
	if os.Getenv(standin.ViewVariable) != "" {
		process.DieWithParent()
	}
	if code, handled := world.StandIn(os.Args); handled {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := newCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox: "+err.Error())
		os.Exit(exitCode(err))
	}
}

func newCommand() *cobra.Command {
	var where place
	root := &cobra.Command{
		Use:   "sandbox",
		Short: "A real Kubernetes control plane on this machine's loopback, with a world to break in it",
		Long: "A real Kubernetes control plane on this machine's loopback, with a world to break in it.\n" +
			"Exit codes: 0 done, 1 not done, 3 no sandbox runs in the directory.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&where.dir, "dir", "", "the sandbox's directory (default: $SVCDOWN_SANDBOX_DIR, else one in the user's cache folder)")
	root.AddCommand(
		newBuildCommand(),
		newUpCommand(&where),
		newDownCommand(&where),
		newStatusCommand(&where),
		newSeedCommand(&where),
		newBreakCommand(&where),
		newHealCommand(&where),
		newPartCommand(&where, "pause", "Suspend a component: it accepts connections and answers none"),
		newPartCommand(&where, "resume", "Let a paused component run on"),
		newPartCommand(&where, "stop", "End a component and wait for its end"),
		newPartCommand(&where, "start", "Start a stopped component and wait until it is healthy"),
		newKubectlCommand(&where),
		newServeHealthCommand(&where),
	)
	return root
}
