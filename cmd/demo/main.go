// Command demo runs everything of svcdown on this machine's loopback as one tree of processes: a Kubernetes to break, a Slack workspace to
// type in, Postgres, Redis and the bot.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// Asked a second time, the demo ends without waiting for anything: the kernel ends its children.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run starts the demo, tells out how to use it, and stops everything in reverse when ctx ends or a part of it dies.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	dir := flags.String("dir", ".demo", "`folder` for logs, kubeconfigs and the bot's configuration")
	port := flags.Int("port", 7080, "first of three ports (Slack API, page, bot); a taken one is replaced by a free one; 0 takes free ones")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if flags.NArg() > 0 || *port < 0 || *port > 65533 {
		return fmt.Errorf("nothing was started: unexpected arguments %q; see demo -help", args)
	}
	ctx, died := context.WithCancelCause(ctx)
	defer died(nil)
	d, err := newDemo(*dir, *port, out, died)
	if err != nil {
		return fmt.Errorf("nothing was started: %w", err)
	}
	defer d.stop()
	err = d.start(ctx)
	if err == nil {
		<-ctx.Done()
	}
	// Whatever else went wrong followed from it.
	if cause := new(deathError); errors.As(context.Cause(ctx), &cause) {
		return cause
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}
