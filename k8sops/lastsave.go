package k8sops

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// errNoStore says that a service is no store in memory.
var errNoStore = errors.New("no store in memory")

// lastSave says when a Redis last wrote itself to disk: what it took in since then dies with the pod, unless it keeps an append-only file.
// LASTSAVE answers with seconds since 1970 (https://redis.io/docs/latest/commands/lastsave/).
func (c *Cluster) lastSave(ctx context.Context, svc catalog.Service, pod *corev1.Pod) (string, error) {
	if svc.Kind != "redis" {
		return "", errNoStore
	}
	out, err := c.Exec(ctx, svc, ExecRequest{Kind: "pods", Name: pod.Name, Argv: []string{"redis-cli", "LASTSAVE"}, Timeout: c.o.CheckTimeout})
	if err != nil {
		return "", err
	}
	said := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(out.Stdout.String()), "(integer)"))
	seconds, err := strconv.ParseInt(said, 10, 64)
	if err != nil || out.ExitCode != 0 {
		return "", &Error{Kind: Unsupported, Op: "ask for the last save", Object: "pod/" + pod.Name, Message: redact.F("redis-cli LASTSAVE answered %q.", oneLine(said))}
	}
	at := time.Unix(seconds, 0)
	return fmt.Sprintf("%s UTC, %s ago", at.UTC().Format("2006-01-02 15:04:05"), c.o.Now().Sub(at).Round(time.Second)), nil
}
