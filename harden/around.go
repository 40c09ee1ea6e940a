package harden

import (
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func network(c Case) (Item, bool) {
	p := c.Protection
	if !p.Policies.Known() {
		return unread(p.Policies)
	}
	in, out, open := false, false, ""
	for _, n := range p.Policies.Value {
		in, out = in || n.Ingress, out || n.Egress
		if n.Open {
			open = n.Name
		}
	}
	switch {
	case open != "":
		return item(finding.Warn, redact.F("the network policy %s lets everything in", open), redact.Const("Narrow it to who has to reach it, and on which ports."))
	case in && out:
		return well(redact.Const("network policies restrict who reaches it, and whom it reaches"))
	case in:
		return well(redact.Const("network policies restrict who reaches it; whom it reaches is open"))
	case !p.Ports.Known():
		return item(finding.Warn, redact.Const("no network policy: every pod of the cluster reaches it"), p.Ports.Fix)
	}
	line := redact.Const("no network policy: every pod of the cluster reaches it, on every port")
	if len(p.Ports.Value) == 0 {
		return item(finding.Warn, line, redact.Const("It has no Kubernetes Service, so its ports are not known: write the policy by hand."))
	}
	ports := list{}
	for _, at := range p.Ports.Value {
		ports = append(ports, fields{{"protocol", "TCP"}, {"port", at.Number}})
	}
	rule := fields{{"ports", ports}}
	fix := redact.Const("It lets in its namespace and the services of svcdown.yaml that depend on it; add others, such as Prometheus, before you apply it.")
	// Where something outside leads to it, who may come is not known: the least that breaks nothing is to close the other ports.
	if p.Open || len(p.Ingresses.Value) > 0 || !p.Ingresses.Known() || len(c.Service.Health) > 0 {
		fix = redact.Const("It is reached from outside, so the YAML only closes its other ports; narrow it to your ingress controller's namespace. Add a port for Prometheus if it is another one.")
	} else {
		from := list{fields{{"podSelector", fields{}}}}
		var spaces []string
		for _, d := range c.Dependents {
			if d.Namespace != p.Namespace && !slices.Contains(spaces, d.Namespace) {
				spaces = append(spaces, d.Namespace)
				from = append(from, fields{{"namespaceSelector", fields{{"matchLabels", fields{{"kubernetes.io/metadata.name", d.Namespace}}}}}})
			}
		}
		rule = fields{{"from", from}, {"ports", ports}}
	}
	return item(finding.Warn, line, fix, object(p, "networking.k8s.io/v1", "NetworkPolicy", p.Name,
		fields{{"podSelector", selector(p.Selector)}, {"policyTypes", list{"Ingress"}}, {"ingress", list{rule}}}))
}

const (
	// daily is how old the last backup may be, with two hours for the run itself.
	daily = 26 * time.Hour
	// weekly is from when a backup is too old to be of use.
	weekly = 8 * 24 * time.Hour
)

func backup(c Case) (Item, bool) {
	p := c.Protection
	switch {
	case c.Service.Kind != "database" && !c.Service.Database:
		return apart(redact.Const("it is no database"))
	case !p.Backups.Known():
		return unread(p.Backups)
	}
	jobs := p.Backups.Value
	// One that names this database speaks for it; else those of the namespace do.
	if own := slices.DeleteFunc(slices.Clone(jobs), func(j finding.CronJob) bool {
		return !strings.Contains(j.Name, p.Name) && !strings.Contains(j.Name, c.Service.Name)
	}); len(own) > 0 {
		jobs = own
	}
	if len(jobs) == 0 {
		line := redact.F("no CronJob in namespace %s looks like a backup", p.Namespace)
		for _, k := range p.Containers {
			if strings.Contains(k.Image, "postgres") && k.Password.Secret != "" {
				return item(finding.Fail, line, redact.Const("If backups are made elsewhere, svcdown does not see them. The YAML is a beginning: check the user, the size, and try a restore."), dump(c, k)...)
			}
		}
		return item(finding.Fail, line, redact.Const("If backups are made elsewhere, svcdown does not see them; else set up a CronJob that makes one a day, and try a restore."))
	}
	best := jobs[0]
	for _, j := range jobs[1:] {
		if best.Suspended && !j.Suspended || j.Suspended == best.Suspended && j.LastSuccess.After(best.LastSuccess) {
			best = j
		}
	}
	look := redact.F("Look at its Jobs and their logs: kubectl -n %s get jobs; kubectl -n %s describe cronjob %s.", p.Namespace, p.Namespace, best.Name)
	age := c.Now.Sub(best.LastSuccess)
	switch {
	case best.Suspended:
		return item(finding.Fail, redact.F("the backup %s is suspended; it last worked %s", best.Name, ago(best.LastSuccess, c.Now)), redact.Const("Let it run again."),
			Remedy{Target: "cronjob/" + best.Name, body: fields{{"spec", fields{{"suspend", false}}}}})
	case best.LastSuccess.IsZero() && best.LastRun.IsZero() && c.Now.Sub(best.Made) < daily:
		return item(finding.Warn, redact.F("the backup %s is new and has not run yet", best.Name), redact.Const("Look again after its first run."))
	case best.LastSuccess.IsZero():
		return item(finding.Fail, redact.F("the backup %s has never worked", best.Name), look)
	case age > weekly:
		return item(finding.Fail, redact.F("the last backup that worked (%s) is of %s", best.Name, ago(best.LastSuccess, c.Now)), look)
	case age > daily:
		return item(finding.Warn, redact.F("the last backup that worked (%s) is of %s: more than a day of changes would be lost", best.Name, ago(best.LastSuccess, c.Now)), look)
	default:
		return well(redact.F("the backup %s worked %s", best.Name, ago(best.LastSuccess, c.Now)))
	}
}

// dump is a daily pg_dumpall onto a volume of its own, with the password by reference.
func dump(c Case, k finding.Container) []Remedy {
	p := c.Protection
	name := p.Name + "-backup"
	host := c.Service.KubernetesService
	if host == "" {
		host = p.Name
	}
	spec := fields{
		{"restartPolicy", "Never"},
		{"containers", list{fields{
			{"name", "backup"}, {"image", k.Image},
			{"command", list{"sh", "-c", "set -e; pg_dumpall -h \"$PGHOST\" -U postgres > /backup/$(date +%F).part; mv /backup/$(date +%F).part /backup/$(date +%F).sql; find /backup -name '*.sql' -mtime +7 -delete"}},
			{"env", list{
				fields{{"name", "PGHOST"}, {"value", host}},
				fields{{"name", "PGPASSWORD"}, {"valueFrom", fields{{"secretKeyRef", fields{{"name", k.Password.Secret}, {"key", k.Password.Key}}}}}},
			}},
			{"resources", fields{{"requests", fields{{"cpu", "100m"}, {"memory", "256Mi"}}}, {"limits", fields{{"memory", "512Mi"}}}}},
			{"volumeMounts", list{fields{{"name", "backup"}, {"mountPath", "/backup"}}}},
		}}},
		{"volumes", list{fields{{"name", "backup"}, {"persistentVolumeClaim", fields{{"claimName", name}}}}}},
	}
	return []Remedy{
		object(p, "v1", "PersistentVolumeClaim", name, fields{{"accessModes", list{"ReadWriteOnce"}}, {"resources", fields{{"requests", fields{{"storage", "50Gi"}}}}}}),
		object(p, "batch/v1", "CronJob", name, fields{{"schedule", "17 2 * * *"}, {"concurrencyPolicy", "Forbid"},
			{"jobTemplate", fields{{"spec", fields{{"backoffLimit", 2}, {"template", fields{{"spec", spec}}}}}}}}),
	}
}

func ago(t, now time.Time) redact.Text {
	if t.IsZero() {
		return redact.Const("never")
	}
	switch d := now.Sub(t); {
	case d < time.Hour:
		return redact.F("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return redact.F("%d h ago", int(d.Hours()))
	default:
		return redact.F("%d days ago", int(d.Hours()/24))
	}
}

func alerts(c Case) (Item, bool) {
	p := c.Protection
	if !p.Alerts.Known() {
		return unread(p.Alerts)
	}
	if w := p.Alerts.Value.Watching; len(w) > 0 {
		return well(redact.F("%s of it: %s", counted(len(w), "alert rule"), strings.Join(w[:min(len(w), 5)], ", ")))
	}
	metric := map[string]string{"StatefulSet": "kube_statefulset_status_replicas_ready", "DaemonSet": "kube_daemonset_status_number_available"}[p.Kind]
	if metric == "" {
		metric = "kube_deployment_status_replicas_available"
	}
	// The names stand in a PromQL string; Kubernetes allows nothing in them that would end it.
	expr := metric + `{namespace="` + p.Namespace + `",` + strings.ToLower(p.Kind) + `="` + p.Name + `"} == 0`
	alert := fields{{"alert", "ServiceDown"}, {"expr", expr}, {"for", "2m"}, {"labels", fields{{"severity", "critical"}, {"service", c.Service.Name}}},
		{"annotations", fields{{"summary", c.Service.Name + " has no pod that works"}}}}
	line := redact.F("namespace %s has no alert rules", p.Namespace)
	if n := p.Alerts.Value.Others; n > 0 {
		line = redact.F("none of the %s of namespace %s speaks of it", counted(n, "alert rule"), p.Namespace)
	}
	return item(finding.Fail, line,
		redact.Const("Rules of other namespaces are not looked at. The YAML's alert needs kube-state-metrics, and the label that your Prometheus selects rules by."),
		object(p, "monitoring.coreos.com/v1", "PrometheusRule", p.Name, fields{{"groups", list{fields{{"name", c.Service.Name}, {"rules", list{alert}}}}}}))
}

// The time that is left of a certificate: renewals by machine happen at 30 days.
const (
	dueWithin   = 21 * 24 * time.Hour
	alarmWithin = 7 * 24 * time.Hour
)

func certificate(c Case) (Item, bool) {
	p := c.Protection
	var unseen []string
	for _, i := range p.Ingresses.Value {
		for _, h := range i.Hosts {
			if i.TLS && !slices.ContainsFunc(c.Certificates, func(k finding.Certificate) bool { return k.Host == h }) && !slices.Contains(unseen, h) {
				unseen = append(unseen, h)
			}
		}
	}
	add := redact.F("Add https://%s/ under health of %s in svcdown.yaml: certificates are read at the handshake, never from a Secret.", strings.Join(unseen, "/, https://"), c.Service.Name)
	if len(c.Certificates) == 0 {
		if len(unseen) > 0 {
			return item(finding.Unknown, redact.F("the certificate of %s is not looked at", strings.Join(unseen, ", ")), add)
		}
		return apart(redact.Const("no health URL of it speaks TLS"))
	}
	worst, line, fix := finding.OK, redact.Text{}, redact.Text{}
	for _, k := range c.Certificates {
		status, said, do := judgeCertificate(k, c.Now)
		if line.Empty() || status.Worse(worst) {
			worst, line, fix = status, said, do
		}
	}
	if len(unseen) > 0 {
		line = redact.F("%s; that of %s is not looked at", line, strings.Join(unseen, ", "))
		if fix.Empty() {
			fix = add
		}
	}
	return item(worst, line, fix)
}

func judgeCertificate(k finding.Certificate, at time.Time) (finding.Status, redact.Text, redact.Text) {
	left := k.Until.Sub(at)
	renew := redact.Const("Renew it; cert-manager and ACME do so by themselves. There is no YAML: who issues it is not known.")
	switch {
	case !k.Unread.Empty():
		return finding.Unknown, redact.F("the certificate of %s: %s", k.Host, k.Unread), k.Fix
	case !k.Until.IsZero() && left <= 0:
		return finding.Fail, redact.F("the certificate of %s ended on %s", k.Host, k.Until.UTC().Format("2006-01-02")), renew
	case !k.Problem.Empty():
		return finding.Fail, redact.F("the certificate of %s is not accepted: %s", k.Host, k.Problem), redact.Const("Look at what the server sends, and at the issuer.")
	case left < alarmWithin:
		return finding.Fail, redact.F("the certificate of %s ends in %d days, on %s", k.Host, int(left.Hours()/24), k.Until.UTC().Format("2006-01-02")), renew
	case left < dueWithin:
		return finding.Warn, redact.F("the certificate of %s ends in %d days, on %s: was it to be renewed by now?", k.Host, int(left.Hours()/24), k.Until.UTC().Format("2006-01-02")), renew
	default:
		return finding.OK, redact.F("the certificate of %s is good for %d days", k.Host, int(left.Hours()/24)), redact.Text{}
	}
}

func monitoring(c Case) (Item, bool) {
	switch {
	case stateful(c) && len(c.Service.Health) == 0:
		return apart(redact.Const("it has no health URL; its probes are asked by Kubernetes"))
	case len(c.Service.Health) == 0:
		return item(finding.Warn, redact.Const("svcdown.yaml names no health URL: nobody asks as its users do"), redact.F("Add one under health of %s in svcdown.yaml.", c.Service.Name))
	case !c.Watched:
		return item(finding.Warn, redact.Const("its health URLs are asked only when somebody asks"), redact.Const("Set probes.watch in svcdown.yaml: the bot then asks by itself and opens an incident."))
	default:
		return well(redact.Const("svcdown asks its health URLs by itself"))
	}
}
