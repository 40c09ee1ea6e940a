package app

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/web"
)

type ping func(ctx context.Context) error

func (p ping) Ping(ctx context.Context) error { return p(ctx) }

// The probe of the chart waits five seconds: what hangs must be told by then, however many hang.
func TestReadinessIsToldThoughEverythingHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := ping(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		begin := time.Now()
		got := pings(t.Context(), map[string]pinger{
			"database": hangs, "cluster a": hangs, "cluster b": ping(func(context.Context) error { return nil }),
			"cluster c": ping(func(context.Context) error { return errors.New("refused") }),
		})
		want := []web.Component{
			{Name: "cluster a", Detail: "context deadline exceeded"}, {Name: "cluster b", OK: true},
			{Name: "cluster c", Detail: "refused"}, {Name: "database", Detail: "context deadline exceeded"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("components (-want +got):\n%s", diff)
		}
		if took := time.Since(begin); took > pingTime {
			t.Errorf("took %s, want at most %s", took, pingTime)
		}
	})
}

func TestTheChartWaitsLongerThanWeTake(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../helm/svcdown/templates/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	chart := string(raw)
	probes := regexp.MustCompile(`(?m)httpGet: .*\n +timeoutSeconds: (\d+)$`).FindAllStringSubmatch(chart, -1)
	if len(probes) != strings.Count(chart, "Probe:") || len(probes) == 0 {
		t.Errorf("%d probes say how long they wait, want all of %d", len(probes), strings.Count(chart, "Probe:"))
	}
	for _, p := range probes {
		if wait, err := strconv.Atoi(p[1]); err != nil || time.Duration(wait)*time.Second <= pingTime {
			t.Errorf("a probe waits %s s, want more than %s", p[1], pingTime)
		}
	}
	grace := regexp.MustCompile(`(?m)^ +terminationGracePeriodSeconds: (\d+)$`).FindStringSubmatch(chart)
	if len(grace) != 2 {
		t.Fatal("the chart does not say how long a stop may take")
	}
	if s, err := strconv.Atoi(grace[1]); err != nil || time.Duration(s)*time.Second < 2*stopTime {
		t.Errorf("the chart gives a stop %s s, want twice %s: jobs, then everything else", grace[1], stopTime)
	}
	// A pod is not ready while Slack is away, and just then the terminal is the way out.
	if !regexp.MustCompile(`(?m)^  publishNotReadyAddresses: true$`).MatchString(chart) {
		t.Error("the Service leads to ready pods only")
	}
}
