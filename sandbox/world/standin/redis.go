package standin

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

func redisCLI(c Call) int {
	host, port, rest := "127.0.0.1", "6379", c.Args
	// redis-cli reads its own options until the first word that is none.
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		name := rest[0]
		takes := slices.Contains([]string{"-h", "-p", "-a", "--pass", "--user", "-n", "-t", "-r", "-i", "-u", "-d"}, name)
		alone := slices.Contains([]string{"--raw", "--no-raw", "--csv", "--json", "--no-auth-warning", "-e", "--tls", "-3", "-2", "-v", "--version", "-c", "-x"}, name)
		if !takes && !alone || takes && len(rest) == 1 {
			return c.fail(1, "Unrecognized option or bad number of args for: '%s'", name)
		}
		switch name {
		case "-v", "--version":
			c.printf("redis-cli 7.4.5\n")
			return 0
		case "-h":
			host = rest[1]
		case "-p":
			port = rest[1]
		}
		if rest = rest[1:]; takes {
			rest = rest[1:]
		}
	}
	open := false
	if local(host) {
		open = c.View.Kind == marketplace.Cache && port == "6379" && c.View.Cache != condition.Refused
	} else {
		r, resolved := c.View.dial(host, number(port), "")
		if !resolved {
			return c.fail(1, "Could not connect to Redis at %s:%s: Name or service not known", host, port)
		}
		peer, _ := c.View.peer(host)
		open = r.open && peer.Kind == marketplace.Cache
	}
	if !open {
		return c.fail(1, "Could not connect to Redis at %s:%s: Connection refused", host, port)
	}
	if len(rest) == 0 {
		return 0 // interactive, at the end of its input
	}
	c.printf("%s\n", c.View.redis(strings.ToLower(rest[0]), rest[1:]))
	return 0 // an error reply is an answer too
}

// redis is the server's reply to a command, as redis-cli prints it to a pipe.
func (v View) redis(command string, args []string) string {
	loading, full := v.Cache == condition.Loading, v.CacheDisk >= 100
	arity := func() string { return fmt.Sprintf("ERR wrong number of arguments for '%s' command\n", command) }
	switch {
	case loading && command != "info" && command != "config":
		return "LOADING Redis is loading the dataset in memory\n"
	case full && (command == "ping" || slices.Contains([]string{"set", "del", "incr", "expire", "lpush", "rpush", "hset"}, command)):
		// PING is refused with the writes: so that health checks notice.
		return "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.\n"
	}
	switch command {
	case "ping":
		if len(args) > 1 {
			return arity()
		}
		return append(args, "PONG")[0]
	case "info":
		return v.redisInfo(args)
	case "config":
		if len(args) < 2 || !strings.EqualFold(args[0], "get") {
			return "ERR unknown subcommand or wrong number of arguments for 'config'. Try CONFIG HELP.\n"
		}
		return redisConfig(args[1:])
	case "dbsize":
		return "184213"
	case "role":
		return "master\n48211904\n"
	case "lastsave":
		return "1764000000"
	case "exists", "ttl":
		if len(args) == 0 {
			return arity()
		}
		return map[string]string{"exists": "0", "ttl": "-2"}[command]
	case "get", "type":
		if len(args) != 1 {
			return arity()
		}
		return map[string]string{"get": "", "type": "none"}[command]
	case "slowlog":
		if len(args) == 1 && strings.EqualFold(args[0], "len") {
			return "0"
		}
		return ""
	case "set", "del", "incr", "expire", "lpush", "rpush", "hset", "flushall", "flushdb", "shutdown":
		return "NOPERM the sandbox's Redis keeps nothing\n"
	}
	quoted := ""
	for _, a := range args {
		quoted += "'" + a + "' "
	}
	return fmt.Sprintf("ERR unknown command '%s', with args beginning with: %s\n", command, quoted)
}

func (v View) redisInfo(args []string) string {
	loading, status := "0", "ok"
	if v.Cache == condition.Loading {
		loading = "1"
	}
	if v.CacheDisk >= 100 {
		status = "err"
	}
	sections := [][2]string{
		{"Server", "redis_version:7.4.5\nredis_mode:standalone\nos:Linux 6.12.38 x86_64\ntcp_port:6379\nuptime_in_seconds:1048112\nuptime_in_days:12"},
		{"Clients", "connected_clients:14\nmaxclients:10000\nblocked_clients:0"},
		{"Memory", "used_memory:100663296\nused_memory_human:96.00M\nused_memory_rss:113246208\nused_memory_peak:128974848\nused_memory_peak_human:123.00M\n" +
			"maxmemory:419430400\nmaxmemory_human:400.00M\nmaxmemory_policy:allkeys-lru\nmem_fragmentation_ratio:1.13"},
		{"Persistence", "loading:" + loading + "\nrdb_changes_since_last_save:412\nrdb_bgsave_in_progress:0\nrdb_last_save_time:1764000000\nrdb_last_bgsave_status:" + status + "\naof_enabled:0"},
		{"Stats", "total_connections_received:88213\ntotal_commands_processed:91822313\ninstantaneous_ops_per_sec:412\nrejected_connections:0\nexpired_keys:81223\nevicted_keys:0\nkeyspace_hits:8122313\nkeyspace_misses:412231"},
		{"Replication", "role:master\nconnected_slaves:0\nmaster_repl_offset:48211904"},
		{"CPU", "used_cpu_sys:412.110000\nused_cpu_user:823.412000"},
		{"Keyspace", "db0:keys=184213,expires=181002,avg_ttl=3412231"},
	}
	var out []string
	for _, s := range sections {
		wanted := len(args) == 0 || slices.ContainsFunc(args, func(a string) bool {
			return strings.EqualFold(a, s[0]) || slices.Contains([]string{"all", "default", "everything"}, strings.ToLower(a))
		})
		if wanted {
			out = append(out, "# "+s[0]+"\r\n"+strings.ReplaceAll(s[1], "\n", "\r\n")+"\r\n")
		}
	}
	return strings.Join(out, "\r\n")
}

// redisConfig is CONFIG GET: names and values in turn, of every match.
func redisConfig(patterns []string) string {
	settings := [][2]string{
		{"appendonly", "no"}, {"bind", "* -::*"}, {"databases", "16"}, {"dir", "/data"}, {"loglevel", "notice"},
		// A secret that a careless `config get "*"` brings along.
		{"masterauth", "canary-redis-5vT1mBn8Rc4"},
		{"maxclients", "10000"}, {"maxmemory", "419430400"}, {"maxmemory-policy", "allkeys-lru"}, {"port", "6379"}, {"requirepass", ""},
		{"save", "3600 1 300 100"}, {"stop-writes-on-bgsave-error", "yes"}, {"tcp-keepalive", "300"}, {"timeout", "0"},
	}
	var lines []string
	for _, s := range settings {
		for _, pattern := range patterns {
			if ok, err := path.Match(strings.ToLower(pattern), s[0]); err == nil && ok {
				lines = append(lines, s[0], s[1])
				break
			}
		}
	}
	return strings.Join(lines, "\n")
}
