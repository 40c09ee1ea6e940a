package world_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/svcdown/svcdown/sandbox/world"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
	"github.com/svcdown/svcdown/sandbox/world/standin"
)

func TestKwokLeavesTheWorldAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := world.WriteKwokConfig(dir, world.Options{}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "kwok.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, doc := range strings.Split(string(raw), "\n---\n") {
		var object struct {
			Kind string
			Spec struct {
				ResourceRef struct{ Kind string }
				Selector    struct {
					MatchExpressions []struct{ Key, Operator string }
				}
			}
		}
		if err := yaml.Unmarshal([]byte(doc), &object); err != nil {
			t.Fatalf("%v in:\n%s", err, doc)
		}
		kinds[object.Kind+object.Spec.ResourceRef.Kind]++
		if object.Spec.ResourceRef.Kind != "Pod" {
			continue
		}
		ours := false
		for _, e := range object.Spec.Selector.MatchExpressions {
			ours = ours || strings.Contains(e.Key, marketplace.ServiceLabel) && e.Operator == "DoesNotExist"
		}
		if !ours {
			t.Errorf("a stage would take the world's pods:\n%s", doc)
		}
	}
	if kinds["StageNode"] != 1 || kinds["StagePod"] != 3 || kinds["ClusterLogs"] != 1 || kinds["ClusterExec"] != 0 {
		t.Errorf("kinds: %v", kinds)
	}
}

func TestStandInsAreLinksToThisExecutable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 { // done again it does the same
		if err := world.WriteStandIns(dir); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range standin.Names() {
		if to, err := os.Readlink(filepath.Join(dir, "standins", name)); err != nil || to != self {
			t.Errorf("%s links to %s (%v), want %s", name, to, err, self)
		}
	}
	if _, handled := world.StandIn([]string{"/usr/bin/sandbox", "up"}); handled {
		t.Error("sandbox itself was taken for a stand-in")
	}
	if code, handled := world.StandIn([]string{"psql"}); !handled || code != 126 {
		t.Errorf("psql outside of any pod: code %d, handled %v; want 126", code, handled)
	}
}
