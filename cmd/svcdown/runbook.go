package main

import (
	"github.com/spf13/cobra"

	"github.com/svcdown/svcdown/app"
)

func lintCommand() *cobra.Command {
	var (
		config string
		asJSON bool
	)
	lint := &cobra.Command{
		Use:   "lint FILE|DIR…",
		Short: "Say what every command of a Markdown runbook is: check, action, message, manual or refused",
		Long: "Say what every command of a Markdown runbook is: check, action, message, manual or refused, with the reason. " +
			"Nothing is run and no cluster is asked. The exit code is 1 when a command is refused or a file cannot be read.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.LintRunbooks(args, config, asJSON, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	lint.Flags().BoolVar(&asJSON, "json", false, "an array with one object for each command")
	lint.Flags().StringVar(&config, "config", "", "catalogue to hold the names of services against (optional)")
	return lint
}
