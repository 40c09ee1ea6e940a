package standin

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// coreutils words the complaint of a program of GNU coreutils.
func (c Call) coreutils(program string, code int, bad *badOption) int {
	return c.fail(code, "%s: %s\nTry '%s --help' for more information.", program, bad.message, program)
}

func flags(letters string) []option {
	var out []option
	for i := range len(letters) {
		out = append(out, option{short: letters[i], long: letters[i : i+1]})
	}
	return out
}

// volume is one mounted file system.
type volume struct {
	device, mount string
	kilobytes     int64
	used          int // percent
}

func (v View) volumes() []volume {
	out := []volume{{"overlay", "/", 94356480, 37}, {"tmpfs", "/dev", 65536, 0}}
	switch v.Kind {
	case marketplace.Database:
		out = append(out, volume{"/dev/nvme1n1", "/var/lib/postgresql/data", 51290592, v.DatabaseDisk})
	case marketplace.Cache:
		out = append(out, volume{"/dev/nvme1n1", "/data", 10218772, v.CacheDisk})
	}
	return out
}

func df(c Call) int {
	o, bad := grammar{options: append(flags("aiklPT"),
		option{'h', "human-readable", false}, option{'H', "si", false}, option{'t', "type", true}, option{0, "output", true})}.parse(c.Args)
	if bad != nil {
		return c.coreutils("df", 1, bad)
	}
	volumes := c.View.volumes()
	if len(o.operands) > 0 {
		var asked []volume
		for _, operand := range o.operands {
			if !c.View.exists(operand) {
				c.fail(1, "df: %s: No such file or directory", operand)
				continue
			}
			asked = append(asked, c.View.mounted(operand))
		}
		volumes = asked
	}
	if len(volumes) == 0 {
		return 1
	}
	human := o.has("human-readable") || o.has("si")
	switch {
	case o.has("P") && !human:
		c.printf("%-14s %10s %10s %10s %8s %s\n", "Filesystem", "1024-blocks", "Used", "Available", "Capacity", "Mounted on")
	case human:
		c.printf("%-14s %5s %5s %5s %4s %s\n", "Filesystem", "Size", "Used", "Avail", "Use%", "Mounted on")
	default:
		c.printf("%-14s %10s %10s %10s %4s %s\n", "Filesystem", "1K-blocks", "Used", "Available", "Use%", "Mounted on")
	}
	for _, v := range volumes {
		used := v.kilobytes * int64(v.used) / 100
		if human {
			c.printf("%-14s %5s %5s %5s %3d%% %s\n", v.device, humane(v.kilobytes), humane(used), humane(v.kilobytes-used), v.used, v.mount)
		} else {
			c.printf("%-14s %10d %10d %10d %3d%% %s\n", v.device, v.kilobytes, used, v.kilobytes-used, v.used, v.mount)
		}
	}
	if len(o.operands) > len(volumes) {
		return 1
	}
	return 0
}

// humane writes a size as df -h does: rounded up, one decimal below ten.
func humane(kilobytes int64) string {
	size, unit := float64(kilobytes), 0
	if kilobytes == 0 {
		return "0"
	}
	for size >= 1024 && unit < 3 {
		size, unit = size/1024, unit+1
	}
	if size < 10 {
		return fmt.Sprintf("%.1f%c", size, "KMGT"[unit])
	}
	return fmt.Sprintf("%.0f%c", size+0.499, "KMGT"[unit])
}

// mounted is the file system that holds a path.
func (v View) mounted(name string) volume {
	volumes := v.volumes()
	best := volumes[0]
	for _, one := range volumes {
		if within(path.Clean(name), one.mount) && len(one.mount) > len(best.mount) {
			best = one
		}
	}
	return best
}

func within(name, mount string) bool {
	return name == mount || mount == "/" || strings.HasPrefix(name, mount+"/")
}

// entry is one name in a directory.
type entry struct {
	name string
	size int64
	dir  bool
}

// tree is what ls finds, by directory.
func (v View) tree() map[string][]entry {
	root := []entry{{"bin", 4096, true}, {"dev", 340, true}, {"etc", 4096, true}, {"proc", 0, true}, {"tmp", 4096, true}, {"usr", 4096, true}, {"var", 4096, true}}
	etc := []entry{{"hostname", 24, false}, {"hosts", 214, false}, {"os-release", 267, false}, {"resolv.conf", 118, false}}
	tree := map[string][]entry{"/etc": etc, "/tmp": {}}
	switch v.Kind {
	case marketplace.Backend:
		tree["/app"] = []entry{{"dist", 4096, true}, {"node_modules", 36864, true}, {"package.json", 2812, false}}
		tree["/app/dist"] = []entry{{"config", 4096, true}, {"db", 4096, true}, {"main.js", 18204, false}}
	case marketplace.Frontend:
		tree["/app"] = []entry{{".next", 4096, true}, {"node_modules", 36864, true}, {"package.json", 1946, false}, {"public", 4096, true}}
		tree["/app/.next"] = []entry{
			{"BUILD_ID", 21, false}, {"build-manifest.json", 1418, false}, {"cache", 4096, true}, {"package.json", 20, false},
			{"prerender-manifest.json", 1322, false}, {"routes-manifest.json", 9411, false}, {"server", 4096, true}, {"static", 4096, true},
		}
	case marketplace.Database:
		tree["/var/lib/postgresql/data"] = []entry{{"lost+found", 16384, true}, {"pgdata", 4096, true}}
		tree["/var/lib/postgresql/data/pgdata"] = []entry{
			{"PG_VERSION", 3, false}, {"base", 4096, true}, {"global", 4096, true}, {"pg_wal", 20480, true}, {"postgresql.conf", 29970, false}, {"postmaster.pid", 99, false},
		}
	case marketplace.Cache:
		tree["/data"] = []entry{{"appendonlydir", 4096, true}, {"dump.rdb", 98412211, false}}
	}
	if len(tree["/app"]) > 0 {
		root = append(root, entry{"app", 4096, true})
	}
	if v.Kind == marketplace.Cache {
		root = append(root, entry{"data", 4096, true})
	}
	tree["/"] = root
	for _, mount := range v.Emptied {
		if _, there := tree[mount]; there {
			maps.DeleteFunc(tree, func(name string, _ []entry) bool { return within(name, mount) })
			tree[mount] = []entry{}
		}
	}
	return tree
}

// lookup finds a path: a directory's entries, or the file itself.
func (v View) lookup(name string) (entries []entry, dir, ok bool) {
	tree, name := v.tree(), path.Clean(name)
	if name == "." {
		name = "/"
		if len(tree["/app"]) > 0 {
			name = "/app"
		}
	}
	if entries, ok := tree[name]; ok {
		return entries, true, true
	}
	for _, e := range tree[path.Dir(name)] {
		if e.name == path.Base(name) {
			return []entry{{name, e.size, e.dir}}, false, true
		}
	}
	for _, mount := range v.volumes() {
		if within(mount.mount, name) && name != "/" {
			return nil, true, true
		}
	}
	return nil, false, false
}

func (v View) exists(name string) bool {
	_, _, ok := v.lookup(name)
	return ok
}

func ls(c Call) int {
	o, bad := grammar{options: append(flags("1AFRSdhilnrt"),
		option{'a', "all", false}, option{0, "color", false}, option{0, "full-time", false})}.parse(c.Args)
	if bad != nil {
		return c.coreutils("ls", 2, bad)
	}
	operands := o.operands
	if len(operands) == 0 {
		operands = []string{"."}
	}
	code := 0
	for _, operand := range operands {
		entries, dir, ok := c.View.lookup(operand)
		if !ok {
			code = c.fail(2, "ls: cannot access '%s': No such file or directory", operand)
			continue
		}
		if dir && len(operands) > 1 {
			c.printf("%s:\n", operand)
		}
		if dir && o.has("all") {
			entries = append([]entry{{".", 4096, true}, {"..", 4096, true}}, entries...)
		} else if dir && !o.has("A") {
			entries = slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return strings.HasPrefix(e.name, ".") })
		}
		if dir && o.has("l") {
			c.printf("total %d\n", 4*len(entries))
		}
		for _, e := range entries {
			if !o.has("l") {
				c.printf("%s\n", e.name)
				continue
			}
			mode := "-rw-r--r-- 1"
			if e.dir {
				mode = "drwxr-xr-x 2"
			}
			c.printf("%s root root %9d %s %s\n", mode, e.size, time.Now().AddDate(0, 0, -2).Format("Jan _2 15:04"), e.name)
		}
	}
	return code
}

func cat(c Call) int {
	o, bad := grammar{options: flags("AETbenstuv")}.parse(c.Args)
	if bad != nil {
		return c.coreutils("cat", 1, bad)
	}
	code := 0
	for _, name := range o.operands {
		text, ok := map[string]string{
			"/etc/hostname":    c.View.Pod + "\n",
			"/etc/hosts":       "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" + c.View.PodIP + "\t" + c.View.Pod + "\n",
			"/etc/resolv.conf": "search " + c.View.Namespace + ".svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
			"/etc/os-release":  "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n",
		}[path.Clean(name)]
		_, dir, exists := c.View.lookup(name)
		switch {
		case ok:
			c.printf("%s", text)
		case exists && dir:
			code = c.fail(1, "cat: %s: Is a directory", name)
		case exists:
			code = c.fail(1, "cat: %s: Permission denied", name)
		default:
			code = c.fail(1, "cat: %s: No such file or directory", name)
		}
	}
	return code
}
