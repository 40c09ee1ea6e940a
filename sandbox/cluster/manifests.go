package cluster

import (
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"fmt"
	"os/exec"
	"path/filepath"
	"text/template"
)

//go:embed manifests
var manifests embed.FS

// Kubectl returns the built kubectl.
func (c *Cluster) Kubectl() string { return filepath.Join(c.config.Bin, "kubectl") }

func (c *Cluster) applyClusterManifests(ctx context.Context) error {
	if err := c.apply(ctx, "bot.yaml", map[string]any{"Bot": Bot}); err != nil {
		return err
	}
	if err := c.apply(ctx, "exec-policy.yaml", map[string]any{"Bot": Bot}); err != nil {
		return err
	}
	return c.apply(ctx, "metrics.yaml", map[string]any{
		"CABundle": base64.StdEncoding.EncodeToString(c.ca),
		"Port":     c.config.Ports.MetricsServer,
	})
}

// AddNamespace creates a namespace and what the bot and People may do in it; done
// again it changes nothing.
func (c *Cluster) AddNamespace(ctx context.Context, namespace string) error {
	return c.apply(ctx, "world.yaml", map[string]any{"Bot": Bot, "Namespace": namespace})
}

func (c *Cluster) apply(ctx context.Context, name string, values map[string]any) error {
	t, err := template.ParseFS(manifests, "manifests/"+name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	var text bytes.Buffer
	if err := t.Option("missingkey=error").Execute(&text, values); err != nil {
		return fmt.Errorf("fill in %s: %w", name, err)
	}
	cmd := exec.CommandContext(ctx, c.Kubectl(), "--kubeconfig", c.config.Layout.Kubeconfig(),
		"apply", "--server-side", "--force-conflicts", "--filename", "-")
	cmd.Stdin = &text
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apply %s: %w\n%s", name, err, out)
	}
	return nil
}
