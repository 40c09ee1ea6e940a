package app

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/svcdown/svcdown/k8sops"
)

// frugal collects garbage at half the growth that Go would let pass, unless GOGC says otherwise: the bot idles beside what it watches over,
// and its CPU is idle, too.
func frugal() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// settle gives back what the first reading of whole namespaces has left behind: Go by itself keeps it for minutes.
func settle(ctx context.Context, clusters map[string]*k8sops.Cluster) {
	for _, cl := range clusters {
		for synced := false; !synced; synced = cl.Synced() {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
			}
		}
	}
	debug.FreeOSMemory()
}
