package main

import (
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/svcdown/svcdown/sandbox/cluster"
	"github.com/svcdown/svcdown/sandbox/world"
)

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
			var made info
			if err := call(cmd.Context(), l, http.MethodPost, "/worlds/"+namespace, &made); err != nil {
				return err
			}
			return printInfo(os.Stdout, made, asJSON)
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
		Short: "Break a service: " + strings.Join(world.Modes(), ", "),
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
			return world.Break(cmd.Context(), config, o, args[0], args[1], seed)
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
			return world.Heal(cmd.Context(), config, o, strings.Join(args, ""))
		},
	}
	cmd.Flags().StringVar(&namespace, "namespace", "", "the world's namespace (default: that of up)")
	return cmd
}

// running names a world of the running sandbox.
func (p place) running(namespace string) (world.Options, error) {
	l, err := p.layout()
	if err != nil {
		return world.Options{}, err
	}
	c, err := readContact(l)
	if err != nil {
		return world.Options{}, err
	}
	if namespace == "" {
		namespace = c.Main
	}
	return world.Options{Dir: string(l), Namespace: namespace, Nodes: c.Nodes}, nil
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
			return world.ServeHealth(cmd.Context(), world.Options{Dir: string(l), Namespace: namespace, Nodes: nodes})
		},
	}
	cmd.Flags().StringVar(&namespace, "namespace", defaultNamespace, "the world's namespace")
	cmd.Flags().IntVar(&nodes, "nodes", 4, "how many nodes the world has")
	return cmd
}
