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
	"strings"
	"syscall"
	"time"
)

func main() {
	plot := flag.String("plot", "", "also write the plot there, as SVG")
	figures := flag.String("figures", "abcdef", "which figures to measure, by their letters")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *plot, *figures); err != nil {
		fmt.Fprintln(os.Stderr, "bench: not measured to the end:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, plot, figures string) (err error) {
	begin := time.Now()
	s := &stage{figures: figures}
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
	var rows []row
	for _, part := range []struct {
		name, figures string
		do            func(context.Context, world) ([]row, error)
	}{
		{"status inside the bot", "ac", s.inside},
		{"memory of the idle bot", "bcde", s.idle},
		{"at the terminal", "b", s.terminal},
		{fmt.Sprintf("%d commands a second", perSecond), "cde", s.load},
	} {
		if !strings.ContainsAny(s.figures, part.figures) {
			continue
		}
		say("%s: %s", w.name, part.name)
		measured, err := part.do(ctx, w)
		rows = append(rows, measured...)
		if err != nil {
			return rows, err
		}
	}
	return rows, s.stopBot()
}

// say tells the progress; standard output is for the table.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
