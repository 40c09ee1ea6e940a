package world

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// design fills in by chance what a mode leaves open, and what Heal needs.
func (b breaker) design(ctx context.Context, c *condition.Condition) error {
	template, err := b.template(ctx)
	if err != nil {
		return err
	}
	if badRollout(c.Mode) {
		c.Before = &condition.Before{Template: template}
		c.Image = b.nextImage(container(template).Image, c.Mode)
	}
	switch c.Mode {
	case condition.CrashLoop:
		end := pick(b.rand, crashes(b.service, b.rand))
		c.ExitCode, c.LastWords = end.code, end.words
		c.Restarts = 2 + b.rand.Int32N(5)
	case condition.StuckRollout:
		c.Variant = condition.Answers
		c.LastWords = pick(b.rand, waits(b.service))
	case condition.OOM:
		c.ExitCode, c.Restarts = 137, 3+b.rand.Int32N(6)
		return b.strike(ctx, c)
	case condition.NotReady:
		c.Variant = pick(b.rand, []string{condition.Answers, condition.Hangs})
		c.LastWords = pick(b.rand, waits(b.service))
		return b.strike(ctx, c)
	case condition.DBRefusing:
		c.Variant = pick(b.rand, []string{condition.Refused, condition.Starting, condition.Saturated})
		return b.strike(ctx, c)
	case condition.RedisDown:
		c.Variant = pick(b.rand, []string{condition.Refused, condition.Loading})
		return b.strike(ctx, c)
	case condition.DiskFull:
		b.fillDisk(c)
	case condition.NoEndpoints:
		c.Before = &condition.Before{Selector: map[string]string{"app": b.service.Name}}
	case condition.NodeDown:
		return b.chooseNode(ctx, c)
	}
	return nil
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// nextImage is the image of the bad release: the next version, and for
// imagepull one that nobody pushed.
func (b breaker) nextImage(image, mode string) string {
	at := strings.LastIndex(image, ":")
	tag, flavour, _ := strings.Cut(image[at+1:], "-")
	tag = fmt.Sprintf("%s.%d", tag[:strings.LastIndex(tag, ".")], 10+b.rand.IntN(80))
	if mode == condition.ImagePull {
		tag += pick(b.rand, []string{"-rc1", "-hotfix", "-amd64", "-latset"})
	} else if flavour != "" {
		tag += "-" + flavour
	}
	return image[:at+1] + tag
}

// strike ties a condition to pods of this moment: to most or all of them.
func (b breaker) strike(ctx context.Context, c *condition.Condition) error {
	pods, err := b.pods(ctx)
	if err != nil {
		return err
	}
	n := len(pods)
	if n > 2 {
		n -= b.rand.IntN(2)
	}
	b.rand.Shuffle(len(pods), func(i, j int) { pods[i], pods[j] = pods[j], pods[i] })
	c.Pods = uids(pods[:n])
	return nil
}

func (b breaker) fillDisk(c *condition.Condition) {
	c.Variant, c.UsedPercent = condition.ReadOnly, 100
	if b.service.Kind == marketplace.Database && b.rand.IntN(2) == 0 {
		c.Variant, c.ExitCode, c.Restarts = condition.Panics, 1, 2+b.rand.Int32N(5)
		c.LastWords = []string{
			fmt.Sprintf(`PANIC:  could not write to file "pg_wal/xlogtemp.%d": No space left on device`, 20+b.rand.IntN(70)),
			"LOG:  database system is shut down",
		}
	}
}

// chooseNode takes the node that carries most of the service's pods, if there
// is a choice one without another service's only pod: a lost node should not
// look like a lost database.
func (b breaker) chooseNode(ctx context.Context, c *condition.Condition) error {
	pods, err := b.pods(ctx)
	if err != nil {
		return err
	}
	all, err := b.client.CoreV1().Pods(b.o.Namespace).List(ctx, metav1.ListOptions{LabelSelector: marketplace.ServiceLabel})
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, p := range pods {
		count[p.Spec.NodeName] += 2
	}
	for _, p := range all.Items {
		if s, err := marketplace.Lookup(p.Labels[marketplace.ServiceLabel]); err == nil && s.Replicas == 1 && s.Name != b.service.Name {
			count[p.Spec.NodeName] -= 100
		}
	}
	for _, p := range pods {
		if node := p.Spec.NodeName; c.Node == "" || count[node] > count[c.Node] {
			c.Node = node
		}
	}
	return nil
}

// hugeMemory is more than any node of the world has.
func hugeMemory(r *rand.Rand) resource.Quantity {
	return resource.MustParse(fmt.Sprintf("%dGi", 48+16*r.IntN(8)))
}

// ending is how a process of a bad release ends.
type ending struct {
	code  int32
	words []string
}

// crashes are ways in which a bad release of a service dies at start.
func crashes(s marketplace.Service, r *rand.Rand) []ending {
	module := pick(r, []string{"@marketplace/pricing", "ethers", "./config/chains", "@sentry/node", "bullmq"})
	secret := pick(r, []string{"STRIPE_WEBHOOK_SECRET", "ALCHEMY_API_KEY", "SESSION_KEY", "IPFS_GATEWAY_URL"})
	switch s.Kind {
	case marketplace.Database:
		return []ending{
			{1, []string{"FATAL:  database files are incompatible with server", "DETAIL:  The data directory was initialized by PostgreSQL version 15, which is not compatible with this version 16."}},
			{1, []string{`FATAL:  could not access file "pg_stat_kcache": No such file or directory`, "LOG:  database system is shut down"}},
			{2, []string{`LOG:  invalid value for parameter "shared_buffers": "8GBB"`, `FATAL:  configuration file "/etc/postgresql/postgresql.conf" contains errors`}},
		}
	case marketplace.Cache:
		return []ending{
			{1, []string{"# Can't handle RDB format version 12", "# Fatal error loading the DB, check server logs. Exiting."}},
			{1, []string{"# Bad file format reading the append only file appendonly.aof.1.incr.aof: make a backup of your AOF file, then use ./redis-check-aof --fix <filename>"}},
		}
	case marketplace.Frontend:
		return []ending{
			{1, []string{"Error: Cannot find module '" + module + "'", "Require stack:", "- /app/.next/server/pages/_document.js", "    at Module._resolveFilename (node:internal/modules/cjs/loader:1225:15)"}},
			{1, []string{"[Error: Could not find a production build in the '.next' directory. Try building your app with 'next build' before starting the production server.]"}},
			{134, []string{"<--- Last few GCs --->", "FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory"}},
		}
	}
	return []ending{
		{1, []string{"Error: Cannot find module '" + module + "'", "Require stack:", "- /app/dist/main.js", "    at Module._resolveFilename (node:internal/modules/cjs/loader:1225:15)", "    at Module.require (node:internal/modules/cjs/loader:1289:19)"}},
		{1, []string{"Error: " + secret + " is required", "    at loadConfig (/app/dist/config/index.js:41:11)", "    at Object.<anonymous> (/app/dist/main.js:9:16)"}},
		{3, []string{"error: migration 0187_add_listing_royalties is not applied: relation \"royalties\" does not exist", "    at checkSchema (/app/dist/db/schema.js:88:13)"}},
		{139, []string{"node[1]: ../deps/secp256k1/src/addon.cc:212: segmentation fault"}},
		{78, []string{"TypeError: Cannot read properties of undefined (reading 'chainId')", "    at new ChainRegistry (/app/dist/chain/registry.js:27:31)"}},
	}
}

// waits are reasons, in a process's own words, why it runs and is not ready.
func waits(s marketplace.Service) [][]string {
	switch s.Kind {
	case marketplace.Database:
		return [][]string{{"LOG:  waiting for recovery target", "LOG:  redo in progress, elapsed time: 10.00 s, current LSN: 3/5A000110"}}
	case marketplace.Cache:
		return [][]string{{"* Loading DB in memory..."}, {"# Client handling stalled: waiting for replica resynchronization"}}
	case marketplace.Frontend:
		return [][]string{{" ⚠ readiness: cache of collections is cold (0/412 warmed)"}, {" ⨯ readiness: upstream API schema mismatch, expected v14"}}
	}
	return [][]string{
		{`{"level":"warn","msg":"not ready: event loop blocked for 4812ms"}`},
		{`{"level":"warn","msg":"not ready: waiting for feature flags from flagd.infra.svc:8013"}`},
		{`{"level":"warn","msg":"not ready: job queue backlog 18412, workers 0/8"}`},
	}
}
