package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/svcdown/svcdown/app"
)

func runCommand() *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the bot",
		Long:  "Run the bot until SIGTERM. Secrets come from the environment: SLACK_APP_TOKEN, SLACK_BOT_TOKEN, DATABASE_URL, REDIS_URL (each also as NAME_FILE).",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := app.Load(config, os.Getenv)
			if err != nil {
				return fmt.Errorf("the bot was not started:\n%w", err)
			}
			return app.Run(cmd.Context(), settings, app.Logger(os.Stderr))
		},
	}
	cmd.Flags().StringVar(&config, "config", "svcdown.yaml", "the catalogue of services, people and policies")
	return cmd
}

func configCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check-config FILE",
		Short: "Check a svcdown.yaml and name every problem with its line",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			line, err := app.CheckConfig(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), line)
			return nil
		},
	}
}

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "The audit log"}
	var at int64
	var hash string
	verify := &cobra.Command{
		Use:   "verify",
		Short: "Check that no entry of the audit log was changed (reads DATABASE_URL)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := app.VerifyAudit(cmd.Context(), os.Getenv, at, hash)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d entries, none changed\n", n)
			return nil
		},
	}
	verify.Flags().Int64Var(&at, "at", 0, "also hold this entry against --hash, as the bot told them in the ops channel")
	verify.Flags().StringVar(&hash, "hash", "", "the hash of the entry --at, as it was told")
	cmd.AddCommand(verify)
	return cmd
}
