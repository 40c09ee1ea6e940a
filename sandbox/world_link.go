package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/kwok/kustomize/stage/node/fast"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
)

// worldOptions name the world a call is about.
type worldOptions struct {
	Dir       string
	Namespace string
	Nodes     int
}

func writeKwokConfig(dir string, _ worldOptions) error {
	stages := []string{fast.DefaultNodeInit, podfast.DefaultPodReady, podfast.DefaultPodComplete, podfast.DefaultPodDelete}
	return os.WriteFile(filepath.Join(dir, "kwok.yaml"), []byte(strings.Join(stages, "\n---\n")), 0o600)
}

func writeStandIns(dir string) error { return os.MkdirAll(filepath.Join(dir, "standins"), 0o700) }

func standIn([]string) (code int, handled bool) { return 0, false }

func seedWorld(context.Context, *rest.Config, worldOptions) error { return nil }

func breakWorld(_ context.Context, _ *rest.Config, _ worldOptions, service, mode string, _ int64) error {
	return fmt.Errorf("break %s %s: this build has no world in it", service, mode)
}

func healWorld(_ context.Context, _ *rest.Config, _ worldOptions, service string) error {
	return fmt.Errorf("heal %s: this build has no world in it", service)
}

func worldModes() []string { return nil }

func serveHealth(ctx context.Context, o worldOptions) error {
	path := filepath.Join(o.Dir, "health", o.Namespace+".json")
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := os.WriteFile(path, fmt.Appendf(nil, `{"backend":"http://%s/health"}`, listener.Addr()), 0o600); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
