package diagnose

import (
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// data are the rules about databases, caches, disks and what is called over the network. A client sees these from outside; where the service
// is the database or cache itself, they weigh more.
var data = []rule{
	{string(finding.DiskFull), diskFull, []finding.Kind{finding.DiskRoom}},
	{string(finding.DBConnections), dbConnections, nil},
	{string(finding.DBRefusing), dbRefusing, []finding.Kind{finding.DBAnswers}},
	{string(finding.RedisDown), redisDown, []finding.Kind{finding.RedisAnswers}},
	{string(finding.RedisMemory), redisMemory, []finding.Kind{finding.RedisRoom}},
	{string(finding.ReplicationLag), replication, []finding.Kind{finding.ReplicasInSync}},
	{string(finding.DBSlow), dbSlow, nil},
	{string(finding.NetworkPolicyBlocks), networkPolicy, []finding.Kind{finding.NetworkOpen, finding.HostReached}},
	{string(finding.DNSFailing), dns, []finding.Kind{finding.HostReached}},
	{string(finding.DependencyDown), dependency, nil},
}

// inside reports whether the service is of one of these kinds itself.
func (f facts) inside(kinds ...string) bool {
	for _, k := range kinds {
		if f.svc.Kind == k {
			return true
		}
	}
	return false
}

func diskFull(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.DiskFull)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 97, Cause: redact.F("the disk%s is full%s", of(s), detail(s)),
		Do: redact.Const("make room or enlarge the volume; a restart does not help, and a database may not come back from it")}
	if s.Of == 100 && s.Count > 0 && s.Count < nearlyFull {
		h.Score, h.Cause = 58, redact.F("the disk%s is filling up%s", of(s), detail(s))
	}
	return h, true
}

// nearlyFull is the share of a volume, in percent, from which databases stop writing.
const nearlyFull = 95

func dbConnections(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.DBConnections)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 94, Cause: redact.F("the database is out of connections%s", detail(s)), Verb: string(catalog.Restart),
		Do: redact.Const("find who holds them (pg_stat_activity) and end the idle ones; a restart of the client frees its own, one of the database all")}
	if s.Count > 0 && s.Of > 0 && 100*s.Count < nearlyFull*s.Of {
		h.Score, h.Verb, h.Cause = 58, "", redact.F("the database runs out of connections%s", detail(s))
	}
	return h, true
}

// atHome is what it weighs that a database or a cache does not answer, where it is the service itself: a cause, unless its pods cannot run.
func (f facts) atHome() int {
	if f.has(finding.CrashLoop, finding.OOMKilled, finding.ImagePull, finding.ConfigError, finding.Pending, finding.NodeDown, finding.NoPods, finding.ScaledToZero, finding.SelectorMismatch) {
		return 70
	}
	return 93
}

func dbRefusing(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.DBRefusing)
	if !ok || f.has(finding.DBConnections) && !f.inside("database") {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 86, Cause: redact.F("the database refuses connections%s%s", since(s), detail(s)),
		Do: redact.Const("look at the database's pod and its log; restart it when it hangs")}
	if f.inside("database") {
		h.Score, h.Verb = f.atHome(), string(catalog.Restart)
	}
	return h, true
}

func redisDown(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.RedisDown)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 86, Cause: redact.F("Redis does not answer%s%s", since(s), detail(s)),
		Do: redact.Const("look at Redis' pod and its log; restart it when it hangs, and wait while it loads its data")}
	if f.inside("redis", "cache") {
		h.Score, h.Verb = f.atHome(), string(catalog.Restart)
	}
	return h, true
}

func redisMemory(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.RedisMemory)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 68, Cause: redact.F("Redis' memory is full%s", detail(s)), Do: redact.Const("raise maxmemory, or find what fills it; with an eviction policy it drops keys")}, true
}

func replication(f facts) (finding.Hypothesis, bool) {
	if s, ok := f.first(finding.ReplicaMissing); ok {
		return finding.Hypothesis{Score: 62, Cause: redact.F("a database replica does not stream%s", detail(s)), Do: redact.Const("look at the replica's log and at its slot on the primary")}, true
	}
	if s, ok := f.first(finding.ReplicationLag); ok {
		return finding.Hypothesis{Score: 62, Cause: redact.F("a database replica is behind%s", detail(s)), Do: redact.Const("look for long transactions, a slow disk or a slow network on the replica")}, true
	}
	return finding.Hypothesis{}, false
}

func dbSlow(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.DBSlow)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 55, Cause: redact.F("queries in the database run or wait for long%s", detail(s)), Do: redact.Const("look at pg_stat_activity for who holds the lock")}, true
}

func networkPolicy(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.NetworkPolicyBlocks)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 62, Cause: redact.F("a NetworkPolicy keeps traffic out%s", detail(s)), Do: redact.F("correct %s, or the labels that it selects by", orThe(s.Object, "the NetworkPolicy"))}
	if f.has(finding.Unreachable, finding.DBRefusing, finding.RedisDown) {
		h.Score = 91
		h.For = append(h.For, redact.Const("something that the pods call cannot be reached"))
	}
	if c, ok := f.change(finding.ChangeNetwork, s.Since); ok {
		h.For = append(h.For, Told(c))
	}
	return h, true
}

func dns(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.DNSFailing)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 84, Cause: redact.F("a name does not resolve inside the pods%s", detail(s)), Do: redact.Const("look at the cluster's DNS pods, and whether the name is right")}, true
}

func dependency(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.DependencyDown)
	if !ok {
		if s, ok = f.first(finding.Unreachable); !ok || f.has(finding.DBRefusing, finding.DBConnections, finding.RedisDown, finding.DNSFailing) {
			return finding.Hypothesis{}, false
		}
	}
	return finding.Hypothesis{Score: 82, Cause: redact.F("%s, which it calls, cannot be reached%s", orThe(s.Object, "something"), detail(s)), Do: redact.Const("look at that first")}, true
}

// of says on what something is, "" when that is not known.
func of(s finding.Signal) redact.Text {
	if s.Object == "" {
		return redact.Text{}
	}
	return redact.F(" of %s", s.Object)
}

func orThe(object, otherwise string) string {
	if object == "" {
		return otherwise
	}
	return object
}
