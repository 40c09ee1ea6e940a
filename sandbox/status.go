package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/svcdown/svcdown/sandbox/cluster"
)

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
