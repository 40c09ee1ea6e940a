package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
	_ "time/tzdata" // rotations name time zones, and a container may have none

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/rs/zerolog"
	"k8s.io/klog/v2"

	"github.com/svcdown/svcdown/bot"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/guard"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/integrations/probe"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
	"github.com/svcdown/svcdown/runbooks"
	"github.com/svcdown/svcdown/steps"
	"github.com/svcdown/svcdown/store"
	"github.com/svcdown/svcdown/web"
)

// Logger writes JSON lines.
func Logger(w io.Writer) zerolog.Logger {
	return zerolog.New(w).With().Timestamp().Str("version", Version).Logger()
}

// stopTime bounds an orderly stop: jobs under way end, what does not end is found by the next start.
const stopTime = 15 * time.Second

// Run builds the bot in dependency order, runs it until ctx ends or Slack refuses its tokens, and stops everything in reverse.
func Run(ctx context.Context, s Settings, log zerolog.Logger) error {
	ending := &stops{log: log}
	defer ending.run()
	quiet()
	frugal()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	clusters, err := openClusters(ctx, s.Catalog, log, ending)
	if err != nil {
		return err
	}
	url, err := databaseURL(ctx, s, log, ending)
	if err != nil {
		return err
	}
	limits, err := openLimits(s, log, ending)
	if err != nil {
		return err
	}
	st := &storage{}
	streams := web.NewStreams()
	books, err := runbook.NewLibrary(runbooks.Files(), s.Catalog.Runbooks.Dir)
	if err != nil {
		return err
	}
	desk, slack, err := connect(s, log, registry, clusters, st, limits, streams, books)
	if err != nil {
		return err
	}

	var running sync.WaitGroup
	dbCtx, stopDB := context.WithCancel(ctx)
	opened := make(chan struct{})
	running.Go(func() {
		st.connect(dbCtx, store.Config{URL: url, Log: log, Now: time.Now}, store.Jobs{
			Execute: desk.Execute, Watch: desk.Watch, Reconcile: desk.Reconcile, Remind: desk.Remind, Return: desk.Return, Announce: desk.Announce, Inbox: slack.Process,
			Incident: desk.ShowIncident, Escalate: desk.Escalate, Look: desk.Look, RemindItem: desk.RemindItem,
			TellAuditHead: desk.TellAuditHead, WatchHealth: desk.WatchHealth, HealthEvery: healthEvery(s.Catalog), AskPager: desk.AskPager, AskPagerEvery: asksPager(s),
		}, opened, log)
	})
	ending.push("database", func() error {
		stopDB()
		running.Wait()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		return st.stop(stop)
	})
	// Nobody shall be told "the database does not answer" because the bot was quicker; nobody shall wait for a database that is away.
	select {
	case <-opened:
	case <-ctx.Done():
	}
	if s.Catalog.Runbooks.Dir != "" {
		read, stopReading := context.WithCancel(ctx)
		tick := time.NewTicker(lookEvery)
		var reading sync.WaitGroup
		reading.Go(func() { keepReading(read, books, desk, tick.C, log) })
		ending.push("runbooks", func() error {
			stopReading()
			tick.Stop()
			reading.Wait()
			return nil
		})
	}
	return serve(ctx, s, log, registry, desk, slack, clusters, st, streams, ending)
}

// utc is the clock for whatever people read: a team on call sits in several zones.
func utc() time.Time { return time.Now().UTC() }

// quiet keeps libraries that write to stderr by themselves out of the JSON log: what matters of theirs comes back as an error.
// Once is enough, and their loggers must not be replaced while they run.
var quiet = sync.OnceFunc(func() {
	redis.SetLogger(&logging.VoidLogger{})
	klog.SetLogger(logr.Discard())
})

// openClusters makes the client of every cluster and starts its standing watches. A cluster that does not answer stops nothing.
func openClusters(ctx context.Context, cat *catalog.Catalog, log zerolog.Logger, ending *stops) (map[string]*k8sops.Cluster, error) {
	clusters := map[string]*k8sops.Cluster{}
	watch, stopWatch := context.WithCancel(ctx)
	var running sync.WaitGroup
	ending.push("watches", func() error {
		stopWatch()
		running.Wait()
		return nil
	})
	for _, c := range cat.Clusters {
		cl, err := k8sops.Open(c, k8sops.Options{Log: log, Version: Version, Now: utc})
		if err != nil {
			return nil, fmt.Errorf("open cluster %s: %w", c.Name, err)
		}
		clusters[c.Name] = cl
		var services []catalog.Service
		for _, svc := range cat.Services {
			if svc.Cluster == c.Name {
				services = append(services, svc)
			}
		}
		running.Go(func() {
			if err := cl.Watch(watch, services); err != nil && watch.Err() == nil {
				log.Error().Err(err).Str("cluster", c.Name).Msg("standing watches ended: status reads the API each time")
			}
		})
	}
	running.Go(func() { settle(watch, clusters) })
	return clusters, nil
}

// databaseURL is where the database is: the one given, else a private instance in the data folder.
func databaseURL(ctx context.Context, s Settings, log zerolog.Logger, ending *stops) (string, error) {
	if s.DatabaseURL != "" {
		return s.DatabaseURL, nil
	}
	dir := filepath.Join(s.DataDir, "postgres")
	log.Warn().Str("dir", dir).Msg("DATABASE_URL is not set: starting a private Postgres")
	url, stop, err := store.Private(ctx, dir)
	if err != nil {
		return "", fmt.Errorf("start a private Postgres in %s: %w", dir, err)
	}
	ending.push("private Postgres", stop)
	return url, nil
}

// limiter bounds how often one person may ask.
type limiter struct{ guard guard.Guard }

// perPerson is generous for people and tight for a script that went wild.
var perPerson = guard.Rate{Count: 60, Per: time.Minute, Burst: 20}

func (l limiter) Allow(ctx context.Context, key string) (bool, time.Duration) {
	ok, wait, err := l.guard.Allow(ctx, "ask:"+key, perPerson)
	return ok || err != nil, wait // a guard that cannot tell never stops anybody
}

func openLimits(s Settings, log zerolog.Logger, ending *stops) (limiter, error) {
	memory := guard.NewMemory(10_000, time.Now)
	if s.RedisURL == "" {
		return limiter{memory}, nil
	}
	redis, err := guard.OpenRedis(s.RedisURL, time.Now)
	if err != nil {
		return limiter{}, err
	}
	ending.push("Redis", redis.Close)
	return limiter{guard.WithFallback(redis, memory, log)}, nil
}

// connect makes the desk and the bot, each of which talks to the other.
func connect(s Settings, log zerolog.Logger, registry *prometheus.Registry, clusters map[string]*k8sops.Cluster, st *storage, limits limiter, streams *web.Streams, books *runbook.Library) (*handlers.Desk, *bot.Bot, error) {
	front := &front{}
	slack, err := bot.New(bot.Config{
		AppToken: s.AppToken, BotToken: s.BotToken, APIURL: s.SlackURL, Team: s.Catalog.Slack.Team,
		Inbox: st, Desk: front, Pins: front, Homes: front, Snapshots: st, Guard: limits.guard, Log: log, Registry: registry,
	})
	if err != nil {
		return nil, nil, err
	}
	measure, err := newMeasure(registry, st)
	if err != nil {
		return nil, nil, err
	}
	prober := probe.New(s.Catalog, nil, time.Now)
	pager, err := openPagers(s, st)
	if err != nil {
		return nil, nil, err
	}
	post, err := openLetters(s)
	if err != nil {
		return nil, nil, err
	}
	account, err := openAccount(s)
	if err != nil {
		return nil, nil, err
	}
	var onCall handlers.Shifts
	var acks handlers.PagerAcks
	if account != nil {
		onCall, acks = newShifts(account.OnCalls, time.Now), account
	}
	desk := handlers.NewDesk(handlers.Config{
		Catalog: func() *catalog.Catalog { return s.Catalog },
		Clusters: func(name string) (handlers.Cluster, error) {
			cl, ok := clusters[name]
			if !ok {
				return nil, fmt.Errorf("svcdown.yaml names no cluster %q", name)
			}
			return cl, nil
		},
		Talk: talk{slack: slack, terminals: streams}, Directory: slack.Directory(),
		Incidents: st, Rooms: slack, Canvases: slack, ActionItems: st, ItemReminders: st, History: st,
		Approvals: st, Leases: st, Cards: st, Answers: st, Journal: st, Ledger: st, Limits: limits, Probe: prober, Checks: runner(s.Catalog, clusters, prober), Runbooks: books, Checklists: st, Reports: st, Followed: st, Forms: slack, Measure: measure,
		Log: log, Now: time.Now, Settle: s.Settle, Step: step,
		Pager: pager, Shifts: onCall, Acks: acks, Letters: post, Health: st, Outside: outsides(s, time.Now), Firing: firing(s),
	})
	front.desk = desk
	return desk, slack, nil
}

// runner runs the reading steps of runbooks against the clusters.
func runner(cat *catalog.Catalog, clusters map[string]*k8sops.Cluster, prober *probe.Prober) *steps.Runner {
	return steps.New(func(name string) (steps.Cluster, error) {
		cl, ok := clusters[name]
		if !ok {
			return nil, fmt.Errorf("svcdown.yaml names no cluster %q", name)
		}
		return cl, nil
	}, func() *catalog.Catalog { return cat }, prober)
}

// front lets the bot be made before the desk: the two need each other, and neither is started before both are there.
type front struct{ desk *handlers.Desk }

func (f *front) Handle(ctx context.Context, in handlers.Incoming)       { f.desk.Handle(ctx, in) }
func (f *front) Durable(text string) bool                               { return f.desk.Durable(text) }
func (f *front) TakePin(ctx context.Context, p handlers.Pin) error      { return f.desk.TakePin(ctx, p) }
func (f *front) Home(ctx context.Context, id catalog.SlackID) card.Card { return f.desk.Home(ctx, id) }

func serve(ctx context.Context, s Settings, log zerolog.Logger, registry *prometheus.Registry, desk *handlers.Desk, slack *bot.Bot, clusters map[string]*k8sops.Cluster, st *storage, streams *web.Streams, ending *stops) error {
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s (SVCDOWN_LISTEN): %w", s.Listen, err)
	}
	ways, err := hooks(s, desk, registry, log)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler: web.Handler(web.Config{
			Desk: desk, Streams: streams, Gather: registry, Log: log, Hooks: ways,
			Identify: identify(s.Catalog, clusters), Health: components(slack, st, clusters),
		}),
		ReadHeaderTimeout: 5 * time.Second,
	}
	webCtx, stopWeb := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- web.Serve(webCtx, srv, func() error { return srv.Serve(listener) }) }()
	ending.push("HTTP", func() error {
		stopWeb()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	log.Info().Str("listen", listener.Addr().String()).Int("pid", os.Getpid()).Msg("svcdown runs")
	for {
		err := slack.Run(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
			return nil
		case !slack.Health().Connected:
			return err // wrong from the start: the operator is looking
		}
		// It worked once. The terminal stays the way out while somebody renews the token.
		log.Error().Err(err).Dur("again_in", slackAgain).Msg("Slack does not take our tokens any more; the terminal still works")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(slackAgain):
		}
	}
}

// slackAgain is how long refused tokens rest before they are tried again.
const slackAgain = time.Minute

// identify verifies a terminal's token at the first cluster of the catalogue, the one at which people's usernames are known. Another cluster's
// word is not taken: whoever administers a lesser one could make a token there in anybody's name.
func identify(cat *catalog.Catalog, clusters map[string]*k8sops.Cluster) func(context.Context, string, string) (string, error) {
	return func(ctx context.Context, name, token string) (string, error) {
		home := cat.Clusters[0].Name
		if name != "" && name != home {
			return "", &handlers.Problem{Code: "cluster", Text: redact.F("Tokens are verified at cluster %q and not at %q, so nothing was done.", home, name),
				Next: redact.F("Use a kubeconfig of cluster %q.", home)}
		}
		user, _, err := clusters[home].Identify(ctx, token)
		if err != nil && k8sops.KindOf(err) != k8sops.Unauthenticated {
			return "", &handlers.Problem{Code: "unverified", Err: err, Text: redact.F("Cluster %q does not answer whose token that is, so nothing was done.", home),
				Next: redact.Const("Ask in Slack, or read with kubectl meanwhile.")}
		}
		return user, err
	}
}

// pingTime bounds the look at one component: less than the chart's probe waits, so that one that hangs is told and never mistaken for us.
const pingTime = 2 * time.Second

type pinger interface {
	Ping(ctx context.Context) error
}

// components says what works, in a stable order. Only Slack decides readiness: without the database or a cluster the bot still answers,
// and says what is missing.
func components(slack *bot.Bot, st *storage, clusters map[string]*k8sops.Cluster) func(context.Context) []web.Component {
	asked := map[string]pinger{"database": st}
	for name, cl := range clusters {
		asked["cluster "+name] = cl
	}
	return func(ctx context.Context) []web.Component {
		h := slack.Health()
		return append([]web.Component{{Name: "slack", OK: h.Sockets > 0, Critical: true, Detail: h.Problem}}, pings(ctx, asked)...)
	}
}

// pings asks all at once and returns them by name.
func pings(ctx context.Context, asked map[string]pinger) []web.Component {
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	names := slices.Sorted(maps.Keys(asked))
	out := make([]web.Component, len(names))
	var asking sync.WaitGroup
	for i, name := range names {
		asking.Go(func() { out[i] = report(name, asked[name].Ping(ctx)) })
	}
	asking.Wait()
	return out
}

func report(name string, err error) web.Component {
	c := web.Component{Name: name, OK: err == nil}
	if err != nil {
		c.Detail = err.Error()
	}
	return c
}
