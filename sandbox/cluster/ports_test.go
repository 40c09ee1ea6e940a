package cluster_test

import (
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/sandbox/cluster"
)

func TestChoosePorts(t *testing.T) {
	t.Parallel()
	t.Run("any ports are seven different ones", func(t *testing.T) {
		t.Parallel()
		p, err := cluster.ChoosePorts(0)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int]bool{}
		for _, port := range []int{p.Etcd, p.EtcdPeer, p.API, p.ControllerManager, p.Scheduler, p.Kwok, p.MetricsServer} {
			if port == 0 || seen[port] {
				t.Errorf("port %d in %+v", port, p)
			}
			seen[port] = true
		}
	})
	t.Run("ports from a base follow each other", func(t *testing.T) {
		t.Parallel()
		const base = 21830
		got, err := cluster.ChoosePorts(base)
		if err != nil {
			t.Fatal(err)
		}
		want := cluster.Ports{
			Etcd: base, EtcdPeer: base + 1, API: base + 2, ControllerManager: base + 3,
			Scheduler: base + 4, Kwok: base + 5, MetricsServer: base + 6,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("a port in use is refused", func(t *testing.T) {
		t.Parallel()
		taken, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		if _, err := cluster.ChoosePorts(taken.Addr().(*net.TCPAddr).Port); err == nil {
			t.Error("got no error")
		}
	})
}
