package harden

import (
	"fmt"
	"strings"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func workload(p finding.Protection) string { return strings.ToLower(p.Kind) + "/" + p.Name }

// patch is a strategic merge patch of the workload.
func patch(p finding.Protection, body ...field) Remedy {
	return Remedy{Target: workload(p), body: fields(body)}
}

// podPatch is a patch of the workload's pod spec: applied, it replaces the pods.
func podPatch(p finding.Protection, spec ...field) Remedy {
	return patch(p, field{"spec", fields{{"template", fields{{"spec", fields(spec)}}}}})
}

// stateful reports whether another replica would be another database rather than more of the same.
func stateful(c Case) bool {
	return c.Protection.Kind == "StatefulSet" || c.Service.Kind == "database" || c.Service.Kind == "redis" || c.Service.Database
}

// fewest is how many pods there are when load is lowest.
func fewest(p finding.Protection) int {
	n := p.Replicas
	for _, a := range p.Autoscalers.Value {
		n = a.Min
	}
	return n
}

func replicas(c Case) (Item, bool) {
	p := c.Protection
	n := fewest(p)
	switch {
	case p.Kind == "DaemonSet":
		return apart(redact.Const("a DaemonSet has one pod on each node"))
	case n == 0:
		return item(finding.Fail, redact.Const("it is scaled to 0: nothing runs"), redact.F("Ask for replicas: scale %s 2.", c.Service.Name))
	case n > 1:
		return well(redact.F("%d replicas%s", p.Replicas, atLeast(p)))
	case stateful(c):
		return item(finding.Warn, redact.Const("1 replica: when its node goes, the service is down until it is back"),
			redact.Const("Set up a replica with replication (an operator does); more replicas alone would be more databases, so there is no YAML for it."))
	case len(p.Autoscalers.Value) > 0:
		a := p.Autoscalers.Value[0]
		least := fields{{"minReplicas", 2}}
		if a.Max < 2 {
			least = append(least, field{"maxReplicas", 4})
		}
		return item(finding.Fail, redact.F("the autoscaler %s lets it go down to %d replica: one lost pod is an outage", a.Name, a.Min), redact.Const("Raise minReplicas to 2."),
			Remedy{Target: "hpa/" + a.Name, body: fields{{"spec", least}}})
	default:
		return item(finding.Fail, redact.Const("1 replica: one lost pod or node is an outage"), redact.Const("Run at least 2."), patch(p, field{"spec", fields{{"replicas", 2}}}))
	}
}

func atLeast(p finding.Protection) redact.Text {
	if len(p.Autoscalers.Value) == 0 {
		return redact.Text{}
	}
	return redact.F(", at least %d by the autoscaler", fewest(p))
}

func probes(c Case) (Item, bool) {
	p := c.Protection
	var unready, unlive []string
	var patches list
	byHand := false
	for i, k := range p.Containers {
		if i > 0 && len(k.Ports) == 0 {
			continue // a sidecar that nobody connects to
		}
		how := handler(c, k)
		body := fields{{"name", k.Name}}
		if !k.Readiness {
			unready = append(unready, k.Name)
			body = append(body, field{"readinessProbe", append(append(fields{}, how...), fields{{"periodSeconds", 5}, {"failureThreshold", 3}}...)})
		}
		if !k.Liveness && !stateful(c) { // a database that is slow to recover must not be killed for it
			unlive = append(unlive, k.Name)
			body = append(body, field{"livenessProbe", append(append(fields{}, how...), fields{{"initialDelaySeconds", 30}, {"periodSeconds", 10}, {"failureThreshold", 6}}...)})
		}
		if len(how) == 0 {
			byHand = byHand || len(body) > 1
		} else if len(body) > 1 {
			patches = append(patches, body)
		}
	}
	if len(unready)+len(unlive) == 0 {
		return well(redact.Const("every container that is connected to has its probes"))
	}
	status, line := finding.Warn, redact.F("no liveness probe: %s; a process that hangs stays", strings.Join(unlive, ", "))
	if len(unready) > 0 {
		status, line = finding.Fail, redact.F("no readiness probe: %s; requests go to pods that cannot answer yet", strings.Join(unready, ", "))
		if len(unlive) > 0 {
			line = redact.F("%s; no liveness probe: %s", line, strings.Join(unlive, ", "))
		}
	}
	fix := redact.Const("A TCP probe is the least; a path that says whether the program can work is better.")
	if byHand {
		fix = redact.Const("Name the container's port, then give it probes.")
	}
	if len(patches) == 0 {
		return item(status, line, fix)
	}
	return item(status, line, fix, podPatch(p, field{"containers", patches}))
}

// handler is how a probe asks a container, empty when no port is known.
func handler(c Case, k finding.Container) fields {
	switch {
	case c.Service.Kind == "database" && strings.Contains(k.Image, "postgres"):
		return fields{{"exec", fields{{"command", list{"pg_isready", "-h", "127.0.0.1"}}}}}
	case c.Service.Kind == "redis" && (strings.Contains(k.Image, "redis") || strings.Contains(k.Image, "valkey")):
		return fields{{"exec", fields{{"command", list{"redis-cli", "ping"}}}}}
	}
	ports := k.Ports
	if len(ports) == 0 && len(c.Protection.Containers) == 1 {
		ports = c.Protection.Ports.Value
	}
	if len(ports) == 0 {
		return nil
	}
	return fields{{"tcpSocket", fields{{"port", ports[0].Number}}}}
}

const mebi = 1 << 20

func resources(c Case) (Item, bool) {
	p := c.Protection
	var evicted, unbounded, unplanned []string
	var patches list
	guessed := false
	for _, k := range p.Containers {
		var requests, limits fields
		memory := k.MemoryRequest
		if k.CPURequest == 0 {
			unplanned = append(unplanned, k.Name)
			requests = append(requests, field{"cpu", fmt.Sprintf("%dm", roomy(k.CPUUsed, 10, 50, 100))})
		}
		if k.MemoryRequest == 0 {
			evicted = append(evicted, k.Name)
			memory = roomy(k.MemoryUsed/mebi, 32, 64, 128) * mebi
			requests = append(requests, field{"memory", amount(memory)})
		}
		if k.MemoryLimit == 0 {
			unbounded = append(unbounded, k.Name)
			// A limit below what a container needs kills it: without figures there is none in the YAML.
			if k.MemoryUsed > 0 {
				limits = fields{{"memory", amount(2 * max(memory, k.MemoryUsed))}}
			}
		}
		guessed = guessed || k.MemoryUsed == 0 && len(requests) > 0
		body := fields{}
		if len(requests) > 0 {
			body = append(body, field{"requests", requests})
		}
		if len(limits) > 0 {
			body = append(body, field{"limits", limits})
		}
		if len(body) > 0 {
			patches = append(patches, fields{{"name", k.Name}, {"resources", body}})
		}
	}
	var lines []redact.Text
	for _, g := range []struct {
		what  redact.Text
		names []string
	}{
		{redact.Const("no memory request, so it is evicted first"), evicted},
		{redact.Const("no memory limit, so a leak takes the node along"), unbounded},
		{redact.Const("no CPU request, so it starves on a busy node"), unplanned},
	} {
		if len(g.names) > 0 {
			lines = append(lines, redact.F("%s: %s", g.what, strings.Join(g.names, ", ")))
		}
	}
	if len(lines) == 0 {
		return well(redact.Const("every container has CPU and memory requests and a memory limit"))
	}
	status := finding.Warn
	if len(evicted) > 0 {
		status = finding.Fail
	}
	fix := redact.Const("The YAML allows for a quarter more than they use now; compare it with your busiest week.")
	if guessed {
		fix = redact.Const("There are no figures of its use, so the YAML holds a guess: look at your monitoring first.")
	}
	if len(patches) == 0 {
		return item(status, redact.Join("; ", lines...), redact.Const("Look at your monitoring, and set a limit of twice its usual peak; there are no figures to write YAML from."))
	}
	return item(status, redact.Join("; ", lines...), fix, podPatch(p, field{"containers", patches}))
}

// roomy is a quarter more than used, in whole steps and at least least; without a figure it is guess.
func roomy(used, step, least, guess int64) int64 {
	if used == 0 {
		return guess
	}
	return max(least, (used*5/4+step-1)/step*step)
}

// amount writes bytes as whole MiB, rounded up.
func amount(bytes int64) string { return fmt.Sprintf("%dMi", (bytes+mebi-1)/mebi) }

func images(c Case) (Item, bool) {
	var floating, loose []string
	var pinned list
	for _, k := range c.Protection.Containers {
		name, tag := cut(k.Image)
		switch {
		case strings.Contains(k.Image, "@sha256:"):
			continue
		case tag == "" || tag == "latest":
			floating = append(floating, k.Image)
		default:
			loose = append(loose, k.Image)
		}
		if k.Digest != "" {
			to := name + "@" + k.Digest
			if tag != "" {
				to = name + ":" + tag + "@" + k.Digest
			}
			pinned = append(pinned, fields{{"name", k.Name}, {"image", to}})
		}
	}
	status, line := finding.Warn, redact.F("a tag can be pushed anew, so a restart may bring another program: %s", strings.Join(loose, ", "))
	if len(floating) > 0 {
		status, line = finding.Fail, redact.F("no fixed version, so every new pod may run another program and a rollback changes nothing: %s", strings.Join(floating, ", "))
	} else if len(loose) == 0 {
		return well(redact.Const("every image is named by its digest"))
	}
	if len(pinned) == 0 {
		return item(status, line, redact.Const("Name the digest (crane digest IMAGE prints it); the pods do not tell it, so there is no YAML."))
	}
	return item(status, line, redact.Const("Name the digest that runs now."), podPatch(c.Protection, field{"containers", pinned}))
}

// cut splits an image at its tag; a colon before the last slash belongs to a port.
func cut(image string) (name, tag string) {
	i := strings.LastIndex(image, ":")
	if i <= strings.LastIndex(image, "/") {
		return image, ""
	}
	return image[:i], image[i+1:]
}
