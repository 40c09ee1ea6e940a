package kubelet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// boots is what a process prints when it starts.
func boots(s marketplace.Service, pod *corev1.Pod, now time.Time) []string {
	switch s.Kind {
	case marketplace.Backend:
		return []string{
			pino(now, "info", fmt.Sprintf("starting %s on %s", pod.Spec.Containers[0].Image, pod.Spec.NodeName)),
			// The careless line that every team has somewhere: redaction must catch it.
			pino(now, "info", "connecting to postgres://postgres:"+marketplace.DatabasePassword+"@postgres-primary-service:5432/web3marketplace"),
			pino(now, "info", "connecting to redis-master-service:6379"),
			pino(now, "info", fmt.Sprintf("listening on :%d", s.Port)),
		}
	case marketplace.Frontend:
		return []string{
			"  ▲ Next.js 15.4.2",
			fmt.Sprintf("  - Local:        http://localhost:%d", s.Port),
			fmt.Sprintf(" ✓ Ready in %dms", 300+rand.IntN(400)),
		}
	case marketplace.Database:
		return stamped(s, now,
			"LOG:  starting PostgreSQL 16.9 (Debian 16.9-1.pgdg120+1) on x86_64-pc-linux-gnu",
			`LOG:  listening on IPv4 address "0.0.0.0", port 5432`,
			"LOG:  database system was shut down at "+now.Add(-4*time.Second).UTC().Format("2006-01-02 15:04:05 UTC"),
			"LOG:  database system is ready to accept connections")
	}
	return stamped(s, now,
		"* oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo",
		"* Running mode=standalone, port=6379.",
		"* DB loaded from disk: 0.412 seconds",
		"* Ready to accept connections tcp")
}

// speaks is what a running process prints from time to time.
func speaks(s Surroundings, now time.Time) []string {
	lines := troubled(s, now)
	if s.Service.Kind == marketplace.Backend && len(lines) == 0 {
		path := []string{"/api/listings", "/api/orders", "/api/wallets", "/health"}[rand.IntN(4)]
		lines = append(lines, pino(now, "info", fmt.Sprintf("GET %s 200 %dms", path, 4+rand.IntN(60))))
	}
	if s.Service.Kind == marketplace.Backend && s.Debug {
		lines = append(lines, pino(now, "debug", fmt.Sprintf("pool: %d idle, %d waiting; cache hit ratio 0.%d", rand.IntN(10), rand.IntN(3), 80+rand.IntN(19))))
	}
	if s.Service.Kind == marketplace.Frontend && len(lines) == 0 {
		lines = append(lines, fmt.Sprintf(" GET /collections/%d 200 in %dms", rand.IntN(9000), 12+rand.IntN(80)))
	}
	return lines
}

// troubled is what a running process says of the trouble it is in.
func troubled(s Surroundings, now time.Time) []string {
	var lines []string
	for _, trouble := range slices.Concat(s.Unreachable, s.Complaints) {
		if s.Service.Kind == marketplace.Backend {
			trouble = pino(now, "error", trouble)
		}
		lines = append(lines, trouble)
	}
	for _, c := range s.Conditions {
		switch {
		case c.Mode == condition.NotReady || c.Mode == condition.StuckRollout:
			lines = append(lines, spoken(s.Service, c, now)...)
		case c.Mode == condition.DBRefusing && c.Variant == condition.Saturated:
			lines = append(lines, stamped(s.Service, now, "FATAL:  sorry, too many clients already")...)
		case c.Mode == condition.DBRefusing && c.Variant == condition.Starting:
			lines = append(lines, stamped(s.Service, now, "FATAL:  the database system is starting up")...)
		case c.Mode == condition.RedisDown && c.Variant == condition.Loading:
			lines = append(lines, stamped(s.Service, now, "* Loading RDB produced by version 7.4.5")...)
		case c.Mode == condition.DiskFull:
			lines = append(lines, fullDisk(s.Service, now)...)
		}
	}
	return lines
}

// lastWords is what a process prints when it dies of a condition. The OOM killer
// leaves it no time for any.
func lastWords(s marketplace.Service, c condition.Condition, now time.Time) []string {
	switch c.Mode {
	case condition.OOM:
		if s.Kind == marketplace.Backend {
			return []string{pino(now, "warn", fmt.Sprintf("heap used %d MB of 512 MB, cache holds %d listings", 488+rand.IntN(20), 90000+rand.IntN(50000)))}
		}
		return nil
	case condition.DiskFull:
		return append(fullDisk(s, now), spoken(s, c, now)...)
	}
	return spoken(s, c, now)
}

func spoken(s marketplace.Service, c condition.Condition, now time.Time) []string {
	if s.Kind == marketplace.Database || s.Kind == marketplace.Cache {
		return stamped(s, now, c.LastWords...)
	}
	return c.LastWords
}

func fullDisk(s marketplace.Service, now time.Time) []string {
	if s.Kind == marketplace.Cache {
		return stamped(s, now,
			"* 1 changes in 3600 seconds. Saving...",
			"# Write error while saving DB to the disk(rdbSaveRio): No space left on device",
			"# Background saving error")
	}
	return stamped(s, now,
		`ERROR:  could not extend file "base/16384/24601": No space left on device`,
		"HINT:  Check free disk space.")
}

// stamped writes lines as PostgreSQL and Redis log them.
func stamped(s marketplace.Service, now time.Time, lines ...string) []string {
	out := make([]string, 0, len(lines))
	for _, line := range lines {
		if s.Kind == marketplace.Cache {
			out = append(out, "1:M "+now.UTC().Format("02 Jan 2006 15:04:05.000")+" "+line)
		} else {
			out = append(out, now.UTC().Format("2006-01-02 15:04:05.000 UTC")+" [1] "+line)
		}
	}
	return out
}

// pino writes a line as the Node.js logger of that name does.
func pino(now time.Time, level, message string) string {
	message = strings.ReplaceAll(strings.ReplaceAll(message, `\`, `\\`), `"`, `\"`)
	return fmt.Sprintf(`{"level":%q,"time":%q,"msg":"%s"}`, level, now.UTC().Format("2006-01-02T15:04:05.000Z"), message)
}
