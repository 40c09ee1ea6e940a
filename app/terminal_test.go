package app

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/terminal"
)

// Whoever administers a lesser cluster could make a token there in anybody's name.
func TestIdentifyTakesNoOtherClustersWord(t *testing.T) {
	t.Parallel()
	cat := &catalog.Catalog{Clusters: []catalog.Cluster{{Name: "prod"}, {Name: "dev"}}}
	for _, name := range []string{"dev", "nowhere"} {
		user, err := identify(cat, nil)(t.Context(), name, "a token")
		var p *handlers.Problem
		if user != "" || !errors.As(err, &p) || !strings.Contains(p.Error(), "nothing was done") {
			t.Errorf("%s: got %q and %v, want a refusal", name, user, err)
		}
	}
}

const kubeconfig = `apiVersion: v1
kind: Config
current-context: c
clusters: [{name: k, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: k, user: u}}]
users: [{name: u, user: USER}]
`

func kubeconfigOf(t *testing.T, user string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(strings.Replace(kubeconfig, "USER", user, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Somebody whose kubeconfig holds a certificate cannot be verified by the bot, but their own cluster still lets them read.
func TestWithoutATokenReadingGoesOn(t *testing.T) {
	t.Setenv("SVCDOWN_TOKEN", "")
	for verb, goesOn := range map[string]bool{"status": true, "restart": false} {
		var out, errOut bytes.Buffer
		term := Terminal{Server: "http://127.0.0.1:1", Config: filepath.Join(t.TempDir(), "none.yaml"), Kubeconfig: kubeconfigOf(t, "{}")}
		err := term.Ask(t.Context(), verb, "backend", &out, &errOut)
		if err == nil {
			t.Fatalf("%s: got no error, want one", verb)
		}
		if got := strings.Contains(errOut.String(), "Reading with your own kubeconfig"); got != goesOn {
			t.Errorf("%s: got %q and %v, want it to go on: %v", verb, errOut.String(), err, goesOn)
		}
		if !strings.Contains(errOut.String()+err.Error(), "your kubeconfig sends no token") {
			t.Errorf("%s: got %q and %v, want the reason", verb, errOut.String(), err)
		}
	}
}

const catalogue = `slack: {team: T01}
clusters: [{name: here}]
services: [{name: backend, cluster: here, namespace: prod, workload: {kind: Deployment, name: backend}}]
policies: [{name: open, actions: ["*"], services: ["*"], approvals: none}]
`

// A bot that hangs is no reason to sit in the dark; what it took may still be done, so a change is not said to be undone.
func TestABotThatHangsLeavesReadingToTheOwnKubeconfig(t *testing.T) {
	t.Setenv("SVCDOWN_TOKEN", "")
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(hang) })
	config := filepath.Join(t.TempDir(), "svcdown.yaml")
	if err := os.WriteFile(config, []byte(catalogue), 0o600); err != nil {
		t.Fatal(err)
	}
	term := Terminal{Server: srv.URL, Config: config, Kubeconfig: kubeconfigOf(t, "{token: tok}"), HeaderTime: 20 * time.Millisecond}
	var out, errOut bytes.Buffer
	if err := term.Ask(t.Context(), "status", "backend", &out, &errOut); err != nil {
		t.Errorf("status: %v", err)
	}
	if !strings.Contains(errOut.String(), `Cluster "here" is read through the context "c"`) || !strings.Contains(out.String(), "Could not be checked") {
		t.Errorf("status: got %q and %q, want the context and the checks", errOut.String(), out.String())
	}
	errOut.Reset()
	err := term.Ask(t.Context(), "restart", "backend", &out, &errOut)
	if !errors.Is(err, terminal.ErrSilent) || errOut.Len() > 0 {
		t.Errorf("restart: got %v and %q, want it said that it is not known", err, errOut.String())
	}
}

func TestTheTokenFollowsNoRedirect(t *testing.T) {
	t.Setenv("SVCDOWN_TOKEN", "")
	followed := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/command" {
			followed = true
			return
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(srv.Close)
	term := Terminal{Server: srv.URL, Kubeconfig: kubeconfigOf(t, "{token: tok}")}
	var out, errOut bytes.Buffer
	err := term.Ask(t.Context(), "status", "backend", &out, &errOut)
	if followed || err == nil || !strings.Contains(err.Error(), "probably not svcdown") {
		t.Errorf("got %v, followed: %v; want an error and no second request", err, followed)
	}
}
