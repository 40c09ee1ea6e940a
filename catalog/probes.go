package catalog

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Allows reports whether allowedHosts names the host and port of u.
func (p Probes) Allows(u *url.URL) bool {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return p.AllowsHost(u.Hostname(), port)
}

// AllowsHost reports whether allowedHosts names host, for port or for any; port "" is one that nobody knows, which only an entry for any
// port allows.
func (p Probes) AllowsHost(host, port string) bool {
	for _, entry := range p.AllowedHosts {
		name, only, err := splitHost(entry)
		if err == nil && SameHost(name, host) && (only == "" || only == port) {
			return true
		}
	}
	return false
}

// SameHost compares hosts as DNS does: without regard to case and to a dot at the end.
func SameHost(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

// splitHost reads HOST or HOST:PORT; an IPv6 address stands in brackets.
func splitHost(entry string) (host, port string, err error) {
	host = entry
	if strings.HasPrefix(entry, "[") && strings.HasSuffix(entry, "]") {
		host = entry[1 : len(entry)-1]
	} else if strings.Contains(entry, ":") {
		if host, port, err = net.SplitHostPort(entry); err != nil {
			return "", "", err
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", "", fmt.Errorf("port %q is none", port)
		}
	}
	_, err = netip.ParseAddr(host)
	if err != nil && dnsSubdomain.MatchString(strings.ToLower(strings.TrimSuffix(host, "."))) {
		err = nil
	}
	return host, port, err
}

func (d *document) checkProbes(c *Catalog) {
	for i, entry := range c.Probes.AllowedHosts {
		if _, _, err := splitHost(entry); err != nil {
			path := fmt.Sprintf("probes.allowedHosts[%d]", i)
			d.refuse(path, fmt.Sprintf("%q is neither a host nor HOST:PORT", clip(entry)), "write it without scheme and path, such as api.example.org or api.example.org:8443")
		}
	}
}
