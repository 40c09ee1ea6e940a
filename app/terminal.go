package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/integrations/probe"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/steps"
	"github.com/svcdown/svcdown/store"
	"github.com/svcdown/svcdown/terminal"
)

// Verbs lists what can be asked at the terminal.
func Verbs() []handlers.VerbInfo {
	var out []handlers.VerbInfo
	for _, v := range handlers.Verbs() {
		if v.Name != "help" { // the command line has its own
			out = append(out, v)
		}
	}
	return out
}

// Terminal asks the running bot as the person that the kubeconfig's token says, and reads the cluster itself when the bot is away.
type Terminal struct {
	Server, Config, Kubeconfig string
	// HeaderTime is how long the bot may stay silent, zero for [terminal.HeaderTime].
	HeaderTime time.Duration
}

// Ask sends one command. Progress and warnings go to errOut, the answer to out.
func (t Terminal) Ask(ctx context.Context, verb, args string, out, errOut io.Writer) error {
	text := strings.TrimSpace(verb + " " + args)
	cfg, err := t.restConfig()
	if err != nil {
		return fmt.Errorf("nothing was done: read your kubeconfig: %w", err)
	}
	token, err := bearer(ctx, cfg)
	switch {
	case err == nil:
		err = t.client(token).Do(ctx, text, out)
		if !errors.Is(err, terminal.ErrUnreachable) && !(errors.Is(err, terminal.ErrSilent) && readsOnly(verb)) {
			return err
		}
	case !readsOnly(verb):
		return fmt.Errorf("nothing was done: %w", err)
	}
	fmt.Fprintf(errOut, "%v.\nReading with your own kubeconfig instead; nothing is recorded and nothing can be changed this way.\n", err)
	return t.local(ctx, text, out, errOut)
}

func (t Terminal) client(token string) terminal.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = cmp.Or(t.HeaderTime, terminal.HeaderTime)
	return terminal.Client{Server: t.Server, Token: token, Files: ".", HTTP: &http.Client{
		Transport: transport,
		// A redirect would hand the token to whoever is named in it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func readsOnly(verb string) bool {
	return slices.ContainsFunc(Verbs(), func(v handlers.VerbInfo) bool { return v.Name == verb && v.Local })
}

func (t Terminal) restConfig() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = t.Kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
}

// bearer is the token that the caller's kubeconfig would send, whatever plug-in makes it: a request that never leaves the process is
// prepared as client-go would and read.
func bearer(ctx context.Context, cfg *rest.Config) (string, error) {
	if v := os.Getenv("SVCDOWN_TOKEN"); v != "" {
		return v, nil
	}
	seen := &capture{}
	rt, err := rest.HTTPWrappersForConfig(cfg, seen)
	if err != nil {
		return "", fmt.Errorf("prepare a request as your kubeconfig says: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.Host, nil)
	if err != nil {
		return "", fmt.Errorf("prepare a request as your kubeconfig says: %w", err)
	}
	if res, err := rt.RoundTrip(req); err == nil {
		_ = res.Body.Close()
	}
	if token, ok := strings.CutPrefix(seen.authorization, "Bearer "); ok {
		return token, nil
	}
	return "", errors.New("your kubeconfig sends no token (it uses a client certificate?), so the bot cannot tell who you are; set SVCDOWN_TOKEN, for example to the output of: kubectl create token SERVICE-ACCOUNT")
}

type capture struct{ authorization string }

func (c *capture) RoundTrip(req *http.Request) (*http.Response, error) {
	c.authorization = req.Header.Get("Authorization")
	return nil, errors.New("read and not sent")
}

// local answers reading verbs with the caller's own kubeconfig and says on errOut which context that reads.
func (t Terminal) local(ctx context.Context, text string, out, errOut io.Writer) error {
	quiet()
	cat, err := catalog.Load(t.Config)
	if err != nil {
		return fmt.Errorf("without the bot I need the catalogue (--config or SVCDOWN_CONFIG): %w", err)
	}
	own := &ownClusters{terminal: t, catalog: cat, errOut: errOut, open: map[string]*k8sops.Cluster{}}
	whole := func() *catalog.Catalog { return cat }
	prober := probe.New(cat, nil, time.Now)
	desk := handlers.NewDesk(handlers.Config{
		Catalog: whole, Runbooks: booksLater(cat.Runbooks.Dir),
		Clusters: func(name string) (handlers.Cluster, error) { return own.named(name) },
		Checks:   steps.New(func(name string) (steps.Cluster, error) { return own.named(name) }, whole, prober),
		Talk:     here{out}, Journal: &storage{}, Measure: uncounted{}, Probe: prober, Log: zerolog.Nop(), Now: time.Now,
	})
	err = desk.Local(ctx, text, &screen{out: out})
	var p *handlers.Problem
	if errors.As(err, &p) {
		terminal.Render(out, card.Card{State: card.Refused, Verdict: p.Text})
		if !p.Next.Empty() {
			fmt.Fprintf(out, "  %s\n", p.Next)
		}
		return terminal.ErrRefused
	}
	return err
}

// contextOf is the context that the catalogue names for a cluster, else the kubeconfig's current one.
func (t Terminal) contextOf(c catalog.Cluster) string {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = t.Kubeconfig
	if raw, err := rules.Load(); err == nil && c.Context == "" {
		return raw.CurrentContext
	}
	return c.Context
}

type uncounted struct{}

func (uncounted) Command(string, string, time.Duration) {}

// here is the only place there is without the bot.
type here struct{ out io.Writer }

func (h here) At(card.Address) handlers.Conversation { return &screen{out: h.out} }

func (here) Direct(context.Context, catalog.SlackID) (handlers.Conversation, error) {
	return nil, handlers.ErrGone
}

// screen is a conversation with the terminal of this process.
type screen struct {
	mu  sync.Mutex
	out io.Writer
}

func (s *screen) show(c card.Card) {
	s.mu.Lock()
	defer s.mu.Unlock()
	terminal.Render(s.out, c)
}

func (s *screen) Say(_ context.Context, _ string, c card.Card) (card.Address, error) {
	if c.State != card.Running {
		s.show(c)
	}
	return card.Address{Kind: "terminal", Message: "1"}, nil
}

func (s *screen) Update(_ context.Context, _ card.Address, c card.Card) error {
	if c.State != card.Running {
		s.show(c)
	}
	return nil
}

func (s *screen) Whisper(_ context.Context, c card.Card) error {
	s.show(c)
	return nil
}

func (s *screen) Upload(_ context.Context, f card.File) error {
	return terminal.WriteFile(".", f, s.out)
}

// CheckConfig says in a line what a valid svcdown.yaml holds, or names every problem.
func CheckConfig(path string) (string, error) {
	cat, err := catalog.Load(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is valid: %d services on %d clusters, %d people, %d policies", path, len(cat.Services), len(cat.Clusters), len(cat.People), len(cat.Policies)), nil
}

// VerifyAudit checks the audit log of the database that DATABASE_URL names and returns how many entries it has. With a number, that entry must
// have the hash, in hex, which was kept elsewhere.
func VerifyAudit(ctx context.Context, getenv func(string) string, at int64, hash string) (int, error) {
	var kept []store.Checkpoint
	if at != 0 || hash != "" {
		sum, err := hex.DecodeString(strings.TrimPrefix(hash, "sha256:"))
		if err != nil || len(sum) != sha256.Size || at < 1 {
			return 0, errors.New("--at takes the number of an entry and --hash its 64 hexadecimal digits; nothing was checked")
		}
		kept = append(kept, store.Checkpoint{Seq: at, Hash: sum})
	}
	url, err := secret(getenv, "DATABASE_URL")
	if err != nil {
		return 0, err
	}
	if url == "" {
		return 0, errors.New("DATABASE_URL is not set; nothing was checked")
	}
	st, err := store.Open(ctx, store.Config{URL: url, Log: zerolog.Nop(), Now: time.Now})
	if errors.Is(err, approval.ErrUnavailable) {
		return 0, fmt.Errorf("nothing was checked: %w", err)
	}
	if err != nil {
		return 0, err
	}
	n, err := st.VerifyAudit(ctx, kept...)
	return n, errors.Join(err, st.Stop(ctx))
}
