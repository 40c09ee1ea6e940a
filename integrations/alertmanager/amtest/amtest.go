// Package amtest runs a real Alertmanager for a test.
package amtest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Server is a running Alertmanager.
type Server struct {
	URL string
	cmd *exec.Cmd

	mu  sync.Mutex
	log []string
}

// Webhook is a configuration that sends every alert to url with a bearer token, at once, and its end as well.
func Webhook(url, token string) string {
	return fmt.Sprintf(`route:
  receiver: bot
  group_by: [alertname, service]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
- name: bot
  webhook_configs:
  - url: %q
    send_resolved: true
    http_config: {authorization: {credentials: %q}}
`, url, token)
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// Start runs Alertmanager on loopback with the configuration, keeping its data in dir, until stop is called.
func Start(ctx context.Context, dir, config string) (s *Server, stop func(), err error) {
	binary, err := find()
	if err != nil {
		return nil, nil, err
	}
	file := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, nil, err
	}
	s = &Server{cmd: exec.CommandContext(ctx, binary, "--config.file="+file, "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:0", "--cluster.listen-address=", "--log.level=debug")}
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = 5 * time.Second
	out, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start Alertmanager: %w", err)
	}
	ready, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			s.mu.Lock()
			s.log = append(s.log, lines.Text())
			s.mu.Unlock()
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				ready <- m[1]
			}
		}
	}()
	stop = func() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		<-ended
		_ = s.cmd.Wait() // a terminated process is no error here
	}
	select {
	case address := <-ready:
		s.URL = "http://" + address
		return s, stop, nil
	case <-ended:
	case <-ctx.Done():
	}
	stop()
	return nil, nil, fmt.Errorf("Alertmanager did not start:\n%s", s.Log())
}

// Log is what it has said so far.
func (s *Server) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, "\n")
}

func find() (string, error) {
	for _, name := range []string{"prometheus-alertmanager", "alertmanager"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("Alertmanager is not installed: run make deps WITH=tests (Debian: apt-get install prometheus-alertmanager)")
}
