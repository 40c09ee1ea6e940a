// Command bench measures svcdown on the sandbox, in one run, and prints the figures as ratios: the machine matters little to them. It judges
// nothing: the exit code tells only whether measuring worked.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	plot := flag.String("plot", "", "also write the plot there, as SVG")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *plot); err != nil {
		fmt.Fprintln(os.Stderr, "bench: not measured to the end:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, plot string) (err error) {
	begin := time.Now()
	s := &stage{}
	defer func() { err = errors.Join(err, s.stopBot(), s.close()) }()
	say("building the stage")
	if err := s.build(ctx); err != nil {
		return err
	}
	rows := []row{s.size()}
	for _, w := range worlds {
		measured, err := s.measure(ctx, w)
		rows = append(rows, measured...)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	printTable(os.Stdout, rows, time.Since(begin))
	if plot == "" {
		return nil
	}
	return os.WriteFile(plot, []byte(draw(rows)), 0o644)
}

// measure fills the namespace up to w and measures everything there.
func (s *stage) measure(ctx context.Context, w world) ([]row, error) {
	say("%s: filling the namespace", w.name)
	if err := s.fill(ctx, w); err != nil {
		return nil, err
	}
	say("%s: status inside the bot", w.name)
	rows, err := s.inside(ctx, w)
	if err != nil {
		return rows, err
	}
	if err := s.startBot(ctx); err != nil {
		return rows, err
	}
	say("%s: at the terminal", w.name)
	idle, err := s.idle(ctx, w)
	rows = append(rows, idle)
	if err != nil {
		return rows, err
	}
	terminal, err := s.terminal(ctx, w)
	rows = append(rows, terminal...)
	if err != nil {
		return rows, err
	}
	say("%s: %d commands a second", w.name, perSecond)
	loaded, err := s.load(ctx, w)
	return append(rows, loaded...), errors.Join(err, s.stopBot())
}

// say tells the progress; standard output is for the table.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
