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
		var t app.Terminal
		cmd := &cobra.Command{
			Use:                v.Usage,
			Short:              v.Summary,
			FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
			RunE: func(cmd *cobra.Command, args []string) error {
				return t.Ask(cmd.Context(), v.Name, typed(os.Args[1:], v.Name), cmd.OutOrStdout(), cmd.ErrOrStderr())
			},
		}
		cmd.Flags().StringVar(&t.Server, "server", envOr("SVCDOWN_SERVER", "http://127.0.0.1:8080"), "address of the running bot")
		cmd.Flags().StringVar(&t.Config, "config", envOr("SVCDOWN_CONFIG", "svcdown.yaml"), "catalogue, for when the bot cannot be reached")
		cmd.Flags().StringVar(&t.Kubeconfig, "kubeconfig", "", "kubeconfig whose token says who you are (usual rules when empty)")
		cmds = append(cmds, cmd)
	}
	return cmds
}

// typed is what stands behind the verb, without our own flags: the bot takes it apart.
func typed(args []string, verb string) string {
	var out []string
	own := map[string]bool{"--server": true, "--config": true, "--kubeconfig": true}
	seen := false
	for i := 0; i < len(args); i++ {
		name, _, joined := strings.Cut(args[i], "=")
		switch {
		case own[name]:
			if !joined {
				i++
			}
		case !seen && args[i] == verb:
			seen = true
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
