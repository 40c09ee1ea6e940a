package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/svcdown/svcdown/sandbox/cluster"
)

func newDownCommand(where *place) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Stop everything and wait until it is gone; fine when nothing runs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := where.layout()
			if err != nil {
				return err
			}
			err = call(cmd.Context(), l, http.MethodPost, "/down", nil)
			if errors.Is(err, errNotRunning) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("down: %w", err)
			}
			return waitUnlocked(cmd.Context(), l)
		},
	}
}

// waitUnlocked returns when the directory's supervisor has ended.
func waitUnlocked(ctx context.Context, l cluster.Layout) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		unlock, err := lockDir(l)
		if err == nil {
			unlock()
			return nil
		}
		if !errors.Is(err, errLocked) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the sandbox in %s to end: %w", l, ctx.Err())
		}
	}
}

func newStatusCommand(where *place) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show each component's process, port and health; exit code 3 when nothing runs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := where.layout()
			if err != nil {
				return err
			}
			var all []cluster.Status
			if err := call(cmd.Context(), l, http.MethodGet, "/status", &all); err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(os.Stdout).Encode(all)
			}
			table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
			fmt.Fprintln(table, "COMPONENT\tSTATE\tPID\tPORT\tHEALTHY")
			for _, s := range all {
				healthy := "yes"
				if !s.Healthy {
					line, _, _ := strings.Cut(s.Detail, "\n")
					healthy = "no: " + line
				}
				fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\n", s.Name, s.State, s.PID, s.Port, healthy)
			}
			return table.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func newPartCommand(where *place, verb, short string) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " COMPONENT",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := where.layout()
			if err != nil {
				return err
			}
			return call(cmd.Context(), l, http.MethodPost, "/components/"+args[0]+"/"+verb, nil)
		},
	}
}

func newSeedCommand(where *place) *cobra.Command {
	var namespace string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "seed --namespace NS",
		Short: "Make the same world in another namespace, apart from the first, and wait until it is ready",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := where.layout()
			if err != nil {
				return err
			}
			var world info
			if err := call(cmd.Context(), l, http.MethodPost, "/worlds/"+namespace, &world); err != nil {
				return err
			}
			return printInfo(os.Stdout, world, asJSON)
		},
	}
	cmd.Flags().StringVar(&namespace, "namespace", "", "the namespace")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print where everything is as one JSON object")
	_ = cmd.MarkFlagRequired("namespace")
	return cmd
}

func newBreakCommand(where *place) *cobra.Command {
	var namespace string
	var seed int64
	cmd := &cobra.Command{
		Use:   "break SERVICE MODE",
		Short: "Break a service: " + strings.Join(worldModes(), ", "),
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := where.running(namespace)
			if err != nil {
				return err
			}
			config, err := restConfig(cluster.Layout(o.Dir).Kubeconfig())
			if err != nil {
				return err
			}
			return breakWorld(cmd.Context(), config, o, args[0], args[1], seed)
		},
	}
	cmd.Flags().StringVar(&namespace, "namespace", "", "the world's namespace (default: that of up)")
	cmd.Flags().Int64Var(&seed, "seed", 1, "chooses names, counts and exit codes; the same seed breaks it the same way")
	return cmd
}

func newHealCommand(where *place) *cobra.Command {
	var namespace string
	cmd := &cobra.Command{
		Use:   "heal [SERVICE]",
		Short: "Undo what break did, to one service or to all",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := where.running(namespace)
			if err != nil {
				return err
			}
			config, err := restConfig(cluster.Layout(o.Dir).Kubeconfig())
			if err != nil {
				return err
			}
			return healWorld(cmd.Context(), config, o, strings.Join(args, ""))
		},
	}
	cmd.Flags().StringVar(&namespace, "namespace", "", "the world's namespace (default: that of up)")
	return cmd
}

// running names a world of the running sandbox.
func (p place) running(namespace string) (worldOptions, error) {
	l, err := p.layout()
	if err != nil {
		return worldOptions{}, err
	}
	c, err := readContact(l)
	if err != nil {
		return worldOptions{}, err
	}
	if namespace == "" {
		namespace = c.Main
	}
	return worldOptions{Dir: string(l), Namespace: namespace, Nodes: c.Nodes}, nil
}

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

func newServeHealthCommand(where *place) *cobra.Command {
	var namespace string
	var nodes int
	cmd := &cobra.Command{
		Use:    "serve-health",
		Short:  "Serve the health URLs of a world; the supervisor starts it",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := where.layout()
			if err != nil {
				return err
			}
			return serveHealth(cmd.Context(), worldOptions{Dir: string(l), Namespace: namespace, Nodes: nodes})
		},
	}
	cmd.Flags().StringVar(&namespace, "namespace", defaultNamespace, "the world's namespace")
	cmd.Flags().IntVar(&nodes, "nodes", 4, "how many nodes the world has")
	return cmd
}
