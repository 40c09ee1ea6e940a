package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	perSecond  = 50
	quietEvery = 100 * time.Millisecond
	// loadRounds of a quiet and a loaded part take turns, so that whatever else the machine does meets both.
	loadRounds            = 8
	quietAcks, loadedAcks = 60, 150 // a round
	// quietTime is how long a started bot is left alone before its idle memory is read.
	quietTime = 10 * time.Second
)

// idle starts a bot and reads its memory when nobody has asked anything yet.
func (s *stage) idle(ctx context.Context, w world) ([]row, error) {
	if err := s.startBot(ctx); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(quietTime):
	}
	bytes, err := s.bot.memory("VmRSS")
	if err != nil {
		return nil, err
	}
	own, err := s.bot.memory("RssAnon")
	return []row{{key: "e", what: "bot's memory, idle", world: w.name, n: 1, value: bytes / 1e6, unit: "MB", target: 60,
		note: fmt.Sprintf("%s MB of its own, the rest is the program file", number(own/1e6))}}, err
}

// load types commands into Slack, one by one and 50 a second by many people at once, in turns, and looks at how long Slack waited for each ack.
// One command in five is stored before it is acked.
func (s *stage) load(ctx context.Context, w world) ([]row, error) {
	var quiet, loaded []time.Duration
	var used time.Duration
	for range loadRounds {
		some, err := s.acks(ctx, quietAcks, quietEvery)
		if err != nil {
			return nil, err
		}
		quiet = append(quiet, some...)
		before, err := s.bot.processorTime()
		if err != nil {
			return nil, err
		}
		if some, err = s.acks(ctx, loadedAcks, time.Second/perSecond); err != nil {
			return nil, err
		}
		loaded = append(loaded, some...)
		if err := s.rest(ctx); err != nil {
			return nil, err
		}
		after, err := s.bot.processorTime()
		if err != nil {
			return nil, err
		}
		used += after - before
	}
	peak, err := s.bot.memory("VmHWM")
	p99 := percentile(loaded, 99)
	return []row{
		{key: "d", what: "ack p99, 50 commands/s / unloaded", world: w.name, n: len(loaded), value: ratio(p99, percentile(quiet, 99)), unit: "×", target: 3,
			note: fmt.Sprintf("%s / %s of %d; medians %s / %s", short(p99), short(percentile(quiet, 99)), len(quiet), short(median(loaded)), short(median(quiet)))},
		{key: "d", what: "ack p99 at 50 commands/s", world: w.name, n: len(loaded), value: p99.Seconds() * 1e3, unit: "ms", target: 1000},
		{key: "c", what: "CPU of the bot per command at 50 commands/s", world: w.name, n: len(loaded), value: used.Seconds() * 1e3 / float64(len(loaded)), unit: "ms"},
		{key: "e", what: "bot's memory, highest", world: w.name, n: 1, value: peak / 1e6, unit: "MB"},
	}, err
}

// rest returns once the bot has answered everything: what is left of a loaded part must not weigh on the quiet one after it.
func (s *stage) rest(ctx context.Context) error {
	const look = 500 * time.Millisecond
	return until(ctx, time.Minute, func() error {
		before, err := s.bot.processorTime()
		if err != nil {
			return err
		}
		time.Sleep(look)
		after, err := s.bot.processorTime()
		if err == nil && after-before > look/20 {
			err = fmt.Errorf("the bot still uses %s of CPU in %s", after-before, look)
		}
		return err
	})
}

// acks types n commands and returns how long each waited for its ack.
func (s *stage) acks(ctx context.Context, n int, every time.Duration) ([]time.Duration, error) {
	begin := len(s.slack.SocketState().Acks)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	commands := []string{"status backend", "status frontend", "approve R-222222", "status postgres", "status redis"}
	for i := range n {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
		if _, err := s.slack.Say(s.crowd[i%len(s.crowd)], rooms[i%len(rooms)], "", "/svcdown "+commands[i%len(commands)]); err != nil {
			return nil, err
		}
	}
	var acks []time.Duration
	return acks, until(ctx, 30*time.Second, func() error {
		acks = nil
		for _, a := range s.slack.SocketState().Acks[begin:] {
			if a.Type == "slash_commands" {
				acks = append(acks, time.Duration(a.LatencyMS*float64(time.Millisecond)))
			}
		}
		if len(acks) < n {
			return fmt.Errorf("%d of %d commands were acked\n%s", len(acks), n, s.bot.said())
		}
		return nil
	})
}

var rooms = []string{"ops", "incidents"}

// memory reads a line of the bot's /proc/PID/status, in bytes.
func (b *bot) memory(name string) (float64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", b.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read the bot's memory (only Linux tells): %w", err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if rest, ok := strings.CutPrefix(sc.Text(), name+":"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 64)
			return kib * 1024, err
		}
	}
	return 0, fmt.Errorf("/proc does not tell %s of the bot", name)
}

// processorTime is what the bot has used so far, from utime and stime of proc(5), which Linux counts in hundredths of a second.
func (b *bot) processorTime() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read the bot's CPU time (only Linux tells): %w", err)
	}
	fields := strings.Fields(string(stat[slices.Index(stat, ')')+1:]))
	var sum int64
	for _, f := range fields[11:13] {
		ticks, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the bot's CPU time: %w", err)
		}
		sum += ticks
	}
	return time.Duration(sum) * 10 * time.Millisecond, nil
}
