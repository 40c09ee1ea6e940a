package cluster

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// ErrPortTaken means that another process took a port between its choice and its
// use; starting again with other ports helps.
var ErrPortTaken = errors.New("a chosen port was taken by another process")

// Ports are the loopback TCP ports of one control plane.
type Ports struct {
	Etcd, EtcdPeer, API, ControllerManager, Scheduler, Kwok, MetricsServer int
}

// ChoosePorts returns ports that are free now: seven from base upwards, or any
// when base is 0.
func ChoosePorts(base int) (Ports, error) {
	var p Ports
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	// All are held until the last is chosen, so that no two are the same.
	for i, port := range []*int{&p.Etcd, &p.EtcdPeer, &p.API, &p.ControllerManager, &p.Scheduler, &p.Kwok, &p.MetricsServer} {
		want := 0
		if base != 0 {
			want = base + i
		}
		l, err := net.Listen("tcp4", loopback(want))
		if err != nil {
			return Ports{}, fmt.Errorf("choose ports: %w", err)
		}
		held = append(held, l)
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
