package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/svcdown/svcdown/app"
)

// askCommands are the verbs that people type in Slack, at the terminal: the running bot answers with the same handlers, policies and
// records. When it cannot be reached, reading verbs go on with the caller's own kubeconfig.
func askCommands() []*cobra.Command {
	var cmds []*cobra.Command
	for _, v := range app.Verbs() {
		cmd := askCommand(v.Name, v.Name, v.Usage, v.Summary)
		switch v.Name {
		case "runbook":
			cmd.Args = cobra.ArbitraryArgs // else its subcommands were all that it takes
			cmd.AddCommand(lintCommand(), askCommand("preflight", "runbook preflight", "preflight NAME SERVICE [--set NAME=VALUE]", "Say which steps of a runbook would not work, before any outage"))
		}
		cmds = append(cmds, cmd)
	}
	return cmds
}

// askCommand is one verb; words are how it is typed here.
func askCommand(verb, words, usage, summary string) *cobra.Command {
	var t app.Terminal
	cmd := &cobra.Command{
		Use:                usage,
		Short:              summary,
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.Ask(cmd.Context(), verb, typed(os.Args[1:], words), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&t.Server, "server", envOr("SVCDOWN_SERVER", "http://127.0.0.1:8080"), "address of the running bot")
	cmd.Flags().StringVar(&t.Config, "config", envOr("SVCDOWN_CONFIG", "svcdown.yaml"), "catalogue, for when the bot cannot be reached")
	cmd.Flags().StringVar(&t.Kubeconfig, "kubeconfig", "", "kubeconfig whose token says who you are (usual rules when empty)")
	return cmd
}

// typed is what stands behind the words of the command, without our own flags: the bot takes it apart.
func typed(args []string, words string) string {
	var out []string
	own := map[string]bool{"--server": true, "--config": true, "--kubeconfig": true}
	left := strings.Fields(words)
	for i := 0; i < len(args); i++ {
		name, _, joined := strings.Cut(args[i], "=")
		switch {
		case own[name]:
			if !joined {
				i++
			}
		case len(left) > 0 && args[i] == left[0]:
			left = left[1:]
		default:
			out = append(out, quote(args[i]))
		}
	}
	return strings.Join(out, " ")
}

func quote(s string) string {
	if strings.ContainsAny(s, " \t\n") {
		return `"` + strings.ReplaceAll(s, `"`, "'") + `"`
	}
	return s
}

func envOr(name, def string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return def
}
