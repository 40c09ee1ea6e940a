package k8sops

import (
	"testing"
	"time"
)

func TestDurationsAreWrittenAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{30 * time.Minute: "30m", 10 * time.Second: "10s", 2 * time.Hour: "2h", 90 * time.Minute: "1h30m", 0: "0s", 65 * time.Second: "1m5s"} {
		if got := Short(d); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
