package e2e_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/svcdown/svcdown/k8stest"
)

// meaning says in which words a mode of `sandbox break` must be named. It follows from what the mode is (sandbox/world/table.md), not from what
// triage happens to say: a container that dies of every start of a new release is a crash after a rollout, and so on. Where a mode has variants
// that are different troubles, each has its own words.
var meaning = map[string]string{
	"crashloop":             `crash.*after (rollout \d+|the last rollout)`,
	"oom":                   `runs? out of memory`,
	"imagepull":             `cannot pull (its|their) image`,
	"notready":              `not ready: the probe fails|fails? (its|their) probe|runs? but (is|are) not ready`,
	"no-endpoints":          `the Service selects none of the pods`,
	"stuck-rollout":         `(rollout \d+|the last rollout) does not get on`,
	"pending":               `cannot be scheduled.*[Ii]nsufficient memory`,
	"node-down":             `node \S+ is down`,
	"db-refusing/refused":   `the database refuses connections`,
	"db-refusing/starting":  `the database refuses connections.*(starting up|rejecting connections)`,
	"db-refusing/saturated": `the database is out of connections`,
	"redis-down/refused":    `Redis does not answer`,
	"redis-down/loading":    `Redis does not answer.*LOADING`,
	"disk-full/panics":      `the disk\b.*is full.*No space left`,
	"disk-full/read-only":   `the disk\b.*is full`,
}

// broken is one `sandbox break`.
type broken struct {
	service, mode string
	seed          int
}

// diagnosed is one question: these are broken, this service is asked about, and this command is what helps ("" where none of ours does, or
// where it depends). over was broken before, in the same pods, and is whole again.
type diagnosed struct {
	name   string
	broken []broken
	asked  string
	helps  string
	over   []broken
}

// What makes the pods of the stateful services anew. A StatefulSet replaces none while one is not ready; a database that is out of connections is.
const (
	deletesRedis  = "delete-pod redis redis-master-0"
	mendsPostgres = "delete-pod postgres postgres-primary-0|restart postgres"
)

// diagnoses use seeds that no other test and no story uses, and that the rules were not written on.
func diagnoses() []diagnosed {
	one := func(service, mode string, seed int, asked, helps string) diagnosed {
		return diagnosed{fmt.Sprintf("%s of %s, seed %d, asked of %s", mode, service, seed, asked), []broken{{service, mode, seed}}, asked, helps, nil}
	}
	both := func(asked string, a, b broken) diagnosed {
		return diagnosed{fmt.Sprintf("%s of %s and %s of %s, asked of %s", a.mode, a.service, b.mode, b.service, asked), []broken{a, b}, asked, "", nil}
	}
	after := func(over broken, d diagnosed) diagnosed {
		d.name, d.over = fmt.Sprintf("%s after %s of %s was over", d.name, over.mode, over.service), []broken{over}
		return d
	}
	return []diagnosed{
		one("backend", "node-down", 31081, "backend", "restart backend"), // what takes longest to show comes first
		one("frontend", "node-down", 31082, "frontend", "restart frontend"),
		both("backend", broken{"backend", "node-down", 31083}, broken{"redis-master", "redis-down", 31084}),
		after(broken{"postgres-primary", "disk-full", 31303}, one("backend", "crashloop", 31301, "backend", "rollback backend")),
		after(broken{"postgres-primary", "disk-full", 31303}, one("postgres-primary", "oom", 31302, "postgres", mendsPostgres)),
		one("backend", "crashloop", 31011, "backend", "rollback backend"),
		one("frontend", "crashloop", 31012, "frontend", "rollback frontend"),
		one("postgres-primary", "crashloop", 31013, "backend", ""),
		one("backend", "oom", 31021, "backend", "restart backend"),
		one("redis-master", "oom", 31022, "redis", deletesRedis),
		one("backend", "imagepull", 31031, "backend", "rollback backend"),
		one("frontend", "imagepull", 31032, "frontend", "rollback frontend"),
		one("backend", "notready", 31041, "backend", "restart backend"),
		one("frontend", "notready", 31042, "frontend", "restart frontend"),
		one("backend", "no-endpoints", 31051, "backend", ""),
		one("redis-master", "no-endpoints", 31052, "redis", ""),
		one("backend", "stuck-rollout", 31061, "backend", "rollback backend"),
		one("frontend", "stuck-rollout", 31062, "frontend", "rollback frontend"),
		one("backend", "pending", 31071, "backend", "rollback backend"),
		one("frontend", "pending", 31072, "frontend", "rollback frontend"),
		one("postgres-primary", "db-refusing", 31091, "backend", mendsPostgres),
		one("postgres-primary", "db-refusing", 31092, "postgres", mendsPostgres),
		one("postgres-primary", "db-refusing", 31093, "backend", mendsPostgres),
		one("postgres-primary", "db-refusing", 31094, "postgres", mendsPostgres),
		one("redis-master", "redis-down", 31101, "backend", deletesRedis),
		one("redis-master", "redis-down", 31102, "redis", deletesRedis),
		one("postgres-primary", "disk-full", 31111, "backend", ""),
		one("postgres-primary", "disk-full", 31112, "postgres", ""),
		one("redis-master", "disk-full", 31113, "redis", ""),
		one("postgres-primary", "disk-full", 31114, "backend", ""),
		both("backend", broken{"backend", "crashloop", 31201}, broken{"postgres-primary", "db-refusing", 31202}),
		both("backend", broken{"backend", "oom", 31203}, broken{"redis-master", "redis-down", 31204}),
		both("backend", broken{"backend", "imagepull", 31205}, broken{"postgres-primary", "disk-full", 31206}),
		both("backend", broken{"backend", "no-endpoints", 31207}, broken{"backend", "pending", 31208}),
		both("backend", broken{"backend", "stuck-rollout", 31209}, broken{"postgres-primary", "disk-full", 31210}),
		both("frontend", broken{"frontend", "crashloop", 31211}, broken{"backend", "oom", 31212}),
		both("backend", broken{"postgres-primary", "disk-full", 31213}, broken{"redis-master", "redis-down", 31214}),
		both("backend", broken{"backend", "notready", 31215}, broken{"postgres-primary", "db-refusing", 31216}),
	}
}

// lanes are how many worlds are broken at the same time: mostly one waits for what the cluster does.
const lanes = 5

// TestDiagnosis breaks the runbook's world in every way that there is, alone and in pairs, and asks triage: the right cause stands first, of a
// pair both stand on the card, and a world that is well has none. It asks what a person at the terminal asks, with the bot's permissions.
func TestDiagnosis(t *testing.T) {
	shared.cluster = k8stest.Shared(t)
	queue := make(chan diagnosed, len(diagnoses()))
	for _, d := range diagnoses() {
		queue <- d
	}
	close(queue)
	var running sync.WaitGroup
	for lane := range lanes {
		running.Go(func() {
			w := newPatient(t, fmt.Sprintf("diagnosis-%d", lane))
			if w == nil {
				return
			}
			for d := range queue {
				t.Run(d.name, func(t *testing.T) { w.examine(t, d) })
			}
		})
	}
	running.Wait()
}
