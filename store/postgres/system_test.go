package postgres

import (
	"strings"
	"testing"
)

func TestWithoutPostgresTheHintSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := search(nil)
	if err == nil || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("want the hint, got %v", err)
	}
}
