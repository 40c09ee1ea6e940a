package k8sops

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// protectedContainers are the containers of a pod template, with what the namespace's LimitRanges fill in, what their pods use and what they run.
func protectedContainers(spec corev1.PodSpec, ranges *corev1.LimitRangeList, usage []metricsv1beta1.PodMetrics, pods []*corev1.Pod) []finding.Container {
	requests, limits := defaultsOf(ranges)
	var out []finding.Container
	for _, k := range spec.Containers {
		f := finding.Container{Name: k.Name, Image: k.Image, Readiness: k.ReadinessProbe != nil, Liveness: k.LivenessProbe != nil, Digest: digestOf(k, pods)}
		for _, p := range k.Ports {
			if p.Protocol == "" || p.Protocol == corev1.ProtocolTCP {
				f.Ports = append(f.Ports, finding.Port{Name: p.Name, Number: int(p.ContainerPort)})
			}
		}
		limit := func(n corev1.ResourceName) quantity.Quantity { return firstSet(k.Resources.Limits[n], limits[n]) }
		request := func(n corev1.ResourceName) quantity.Quantity {
			// A limit of the container's own is its request where it names none; then comes the LimitRange.
			return firstSet(k.Resources.Requests[n], k.Resources.Limits[n], requests[n], limits[n])
		}
		cpu, memory, most := request(corev1.ResourceCPU), request(corev1.ResourceMemory), limit(corev1.ResourceMemory)
		f.CPURequest, f.MemoryRequest, f.MemoryLimit = cpu.MilliValue(), memory.Value(), most.Value()
		for _, pod := range usage {
			for _, u := range pod.Containers {
				if u.Name == k.Name {
					f.CPUUsed, f.MemoryUsed = max(f.CPUUsed, u.Usage.Cpu().MilliValue()), max(f.MemoryUsed, u.Usage.Memory().Value())
				}
			}
		}
		for _, e := range k.Env {
			if e.Name == "POSTGRES_PASSWORD" && e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				f.Password = finding.KeyRef{Secret: e.ValueFrom.SecretKeyRef.Name, Key: e.ValueFrom.SecretKeyRef.Key}
			}
		}
		out = append(out, f)
	}
	return out
}

func firstSet(all ...quantity.Quantity) quantity.Quantity {
	for _, q := range all {
		if !q.IsZero() {
			return q
		}
	}
	return quantity.Quantity{}
}

// defaultsOf is what LimitRanges give to containers that name nothing. https://kubernetes.io/docs/concepts/policy/limit-range/
func defaultsOf(ranges *corev1.LimitRangeList) (requests, limits corev1.ResourceList) {
	requests, limits = corev1.ResourceList{}, corev1.ResourceList{}
	if ranges == nil {
		return requests, limits
	}
	for _, r := range ranges.Items {
		for _, l := range r.Spec.Limits {
			if l.Type != corev1.LimitTypeContainer {
				continue
			}
			for n, q := range l.DefaultRequest {
				requests[n] = q
			}
			for n, q := range l.Default {
				limits[n] = q
			}
		}
	}
	return requests, limits
}

var digest = regexp.MustCompile(`sha256:[0-9a-f]{64}$`)

// digestOf is the digest of the image that all running pods have pulled for a container, "" when they differ or do not say.
func digestOf(k corev1.Container, pods []*corev1.Pod) string {
	all := ""
	for _, p := range pods {
		for _, s := range p.Status.ContainerStatuses {
			if s.Name != k.Name || s.State.Running == nil {
				continue
			}
			runs := slices.IndexFunc(p.Spec.Containers, func(c corev1.Container) bool { return c.Name == k.Name })
			one := digest.FindString(s.ImageID)
			if one == "" || all != "" && all != one || runs < 0 || p.Spec.Containers[runs].Image != k.Image {
				return ""
			}
			all = one
		}
	}
	return all
}

// backupWords are what backups of databases are called, and the programs that make them.
var backupWords = regexp.MustCompile(`(?i)backup|snapshot|\bdump\b|pg_dump(all)?|pg_basebackup|pgbackrest|wal-[eg]|barman|mysqldump|mariadb-dump|xtrabackup|mongodump|restic|velero|kopia`)

// backups are the CronJobs of a namespace whose name, image or command speaks of a backup. Nothing of a command line is kept but that word.
func (c *Cluster) backups(ctx context.Context, svc catalog.Service) ([]finding.CronJob, error) {
	list, err := c.client.BatchV1().CronJobs(svc.Namespace).List(ctx, metav1.ListOptions{Limit: most})
	if err != nil {
		return nil, apiError("read cronjobs", "namespace "+svc.Namespace, err)
	}
	var out []finding.CronJob
	for _, j := range list.Items {
		said := []string{j.Name}
		for _, k := range j.Spec.JobTemplate.Spec.Template.Spec.Containers {
			said = append(append(append(said, k.Name, k.Image), k.Command...), k.Args...)
		}
		hint := backupWords.FindString(strings.Join(said, "\n"))
		if hint == "" {
			continue
		}
		f := finding.CronJob{Name: j.Name, Schedule: j.Spec.Schedule, Hint: hint, Suspended: j.Spec.Suspend != nil && *j.Spec.Suspend, Made: j.CreationTimestamp.Time}
		if t := j.Status.LastScheduleTime; t != nil {
			f.LastRun = t.Time
		}
		if t := j.Status.LastSuccessfulTime; t != nil {
			f.LastSuccess = t.Time
		}
		out = append(out, f)
	}
	return out, nil
}

// promRules is as much of a PrometheusRuleList as is needed.
// https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusRule
type promRules struct {
	Items []struct {
		Spec struct {
			Groups []struct {
				Rules []struct {
					Alert  string            `json:"alert"`
					Expr   any               `json:"expr"` // a string, or a number
					Labels map[string]string `json:"labels"`
				} `json:"rules"`
			} `json:"groups"`
		} `json:"spec"`
	} `json:"items"`
}

// alertRules looks among the PrometheusRule objects of the service's namespace for alerts that name the service, its workload or its Kubernetes
// Service. An error of kind NotFound says that the cluster has no such objects.
func (c *Cluster) alertRules(ctx context.Context, svc catalog.Service) (finding.Alerts, error) {
	at := mapping{group: "monitoring.coreos.com", version: "v1", resource: "prometheusrules", namespaced: true}
	body, err := c.fetch(ctx, "read prometheusrules", "namespace "+svc.Namespace, at.url(svc.Namespace, ""), map[string]string{"limit": "500"}, "application/json")
	if err != nil {
		return finding.Alerts{}, err
	}
	var all promRules
	if err := json.Unmarshal(body, &all); err != nil {
		return finding.Alerts{}, &Error{Kind: Internal, Op: "read prometheusrules", Err: err, Message: redact.Const("The PrometheusRule objects cannot be read.")}
	}
	var names []string
	for _, n := range []string{svc.Name, svc.Workload.Name, svc.KubernetesService} {
		if n != "" {
			names = append(names, regexp.QuoteMeta(n))
		}
	}
	ours := regexp.MustCompile(`(?i)(^|[^a-z0-9-])(` + strings.Join(names, "|") + `)([^a-z0-9]|$)`)
	var out finding.Alerts
	for _, object := range all.Items {
		for _, g := range object.Spec.Groups {
			for _, r := range g.Rules {
				expr, _ := r.Expr.(string)
				switch {
				case r.Alert == "":
				case ours.MatchString(expr) || ours.MatchString(r.Labels["service"]) || ours.MatchString(r.Labels["app"]):
					out.Watching = append(out.Watching, r.Alert)
				default:
					out.Others++
				}
			}
		}
	}
	return out, nil
}
