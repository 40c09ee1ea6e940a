package probe

import (
	"fmt"
	"net/netip"
	"syscall"

	"github.com/svcdown/svcdown/catalog"
)

// refusedError says that we would not, rather than could not, connect.
type refusedError struct{ what, fix string }

func (e *refusedError) Error() string { return e.what }

// Addresses that answer with credentials of the machine or its pods, beside the link-local ones.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd00:ec2::23"), // AWS over IPv6, and of pods on EKS
	netip.MustParseAddr("fd20:ce::254"),    // Google Cloud over IPv6
	netip.MustParseAddr("168.63.129.16"),   // Azure's host of the machine: learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
	netip.MustParseAddr("192.0.0.192"),     // Oracle Cloud
	netip.MustParseAddr("fd00:42::42"),     // Scaleway over IPv6
}

// Ranges that hold an IPv4 address: RFC 6052 (NAT64) and RFC 4291 (IPv4-compatible) in the last four bytes, RFC 3056 (6to4) in the bytes after the
// prefix, RFC 8215 (a network's own NAT64) wherever the network likes.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	compatible = netip.MustParsePrefix("::/96")
	ownNAT64   = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	shared     = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	thisHost   = netip.MustParsePrefix("0.0.0.0/8")
)

// guardAddress returns the check that runs on every address just before it is connected to, after the name was resolved: what a name
// resolves to may change between a check and a connection.
func guardAddress(allow catalog.Probes) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return &refusedError{fmt.Sprintf("%q is not an address", address), "Correct the health URL in svcdown.yaml."}
		}
		return checkAddress(at.Addr(), allow)
	}
}

func checkAddress(a netip.Addr, allow catalog.Probes) error {
	a = a.Unmap().WithZone("")
	if b := a.As16(); nat64.Contains(a) || compatible.Contains(a) && !a.IsLoopback() && !a.IsUnspecified() {
		return checkAddress(netip.AddrFrom4([4]byte(b[12:16])), allow)
	} else if sixToFour.Contains(a) {
		return checkAddress(netip.AddrFrom4([4]byte(b[2:6])), allow)
	}
	for _, m := range metadata {
		if a == m {
			return &refusedError{a.String() + " is a metadata address", "Nothing: such addresses are never asked."}
		}
	}
	switch {
	case ownNAT64.Contains(a):
		return &refusedError{a.String() + " is a translated address, which may be any other", "Nothing: such addresses are never asked."}
	case a.IsLinkLocalUnicast(), a.IsMulticast(), a.IsUnspecified(), thisHost.Contains(a), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return &refusedError{a.String() + " is a link-local, multicast or unspecified address", "Nothing: such addresses are never asked."}
	case a.IsLoopback() && !allow.AllowLoopback:
		return &refusedError{a.String() + " is a loopback address", "Set probes.allowLoopback in svcdown.yaml if this is meant."}
	case (a.IsPrivate() || shared.Contains(a)) && !allow.AllowPrivate:
		return &refusedError{a.String() + " is a private address", "Set probes.allowPrivate in svcdown.yaml if this is meant."}
	}
	return nil
}
