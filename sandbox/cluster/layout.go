package cluster

import "path/filepath"

// Layout names the files of one sandbox's directory.
type Layout string

// Kubeconfig is the cluster administrator's.
func (l Layout) Kubeconfig() string { return l.join("kubeconfig") }

// BotKubeconfig is the bot's own, with the permissions of its Helm chart.
func (l Layout) BotKubeconfig() string { return l.join("bot.kubeconfig") }

// UserKubeconfig is that of one of People.
func (l Layout) UserKubeconfig(user string) string { return l.join("users", user+".kubeconfig") }

// AuditLog holds one JSON event per line and is never rotated.
func (l Layout) AuditLog() string { return l.join("audit.log") }

// Log is the output of one component.
func (l Layout) Log(component string) string { return l.join("logs", component+".log") }

// HealthURLs is where the health server of a namespace writes its addresses.
func (l Layout) HealthURLs(namespace string) string { return l.join("health", namespace+".json") }

// KwokConfig is written by package world.
func (l Layout) KwokConfig() string { return l.join("kwok.yaml") }

func (l Layout) pki() string                            { return l.join("pki") }
func (l Layout) etcd() string                           { return l.join("etcd") }
func (l Layout) tokens() string                         { return l.join("pki", "tokens.csv") }
func (l Layout) auditPolicy() string                    { return l.join("audit-policy.yaml") }
func (l Layout) componentKubeconfig(user string) string { return l.join("pki", user+".kubeconfig") }

func (l Layout) join(elem ...string) string {
	return filepath.Join(append([]string{string(l)}, elem...)...)
}
