package runbook

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxValue and maxText bound one value and one message.
const (
	maxValue = 1024
	maxText  = 4000
)

var (
	dnsLabel     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	dnsSubdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	hostName     = regexp.MustCompile(`(?i)^[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)*\.?$`)
	shortWord    = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.:/@-]*$`)
	plainName    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	quantity     = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$`)
	selector     = regexp.MustCompile(`^[A-Za-z0-9_./!=, ()-]+$`)
	pair         = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./-]*(=[^\x00-\x1f]*|-)$`)
	path         = regexp.MustCompile(`^[A-Za-z0-9_./@:+-]+$`)
	// numeric is what some resolvers take for an address: 2852039166, 0xA9FEA9FE, 0251.0376.0251.0376.
	numeric = regexp.MustCompile(`(?i)^(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?$`)
	// fragment is what may fill a hole that is only part of a value: nothing that could open another part of it.
	fragment = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)
)

// validate checks what stands literally in the document; the rest is checked when it is bound.
func validate(t Type, what string, w Word) error {
	if t == anything {
		return nil
	}
	s, whole := w.Literal()
	if !whole {
		if t == Fixed || t == Flag {
			return refuse("%s must stand in the document; a placeholder is not possible there", what)
		}
		if strings.HasPrefix(w.lead(), "-") {
			return refuse("%s begins with a dash", what)
		}
		return nil
	}
	if why := wrong(t, s); why != "" {
		return refuse("%s %q %s", what, clip(s), why)
	}
	return nil
}

// wrong says why s is no value of type t, "" when it is one.
func wrong(t Type, s string) string {
	limit := maxValue
	if t == Text || t == Fixed {
		limit = maxText
	}
	if len(s) > limit {
		return "is longer than " + strconv.Itoa(limit) + " bytes"
	}
	if !utf8.ValidString(s) {
		return "is not valid text"
	}
	bad := false
	switch t {
	case Pod, Deployment, StatefulSet, DaemonSet, Node, Object:
		bad = len(s) > 253 || !dnsSubdomain.MatchString(s)
	case Namespace, Service:
		bad = !dnsLabel.MatchString(s)
	case Integer:
		n, err := strconv.ParseInt(s, 10, 32)
		bad = err != nil || n < 0 || strings.HasPrefix(s, "+")
	case Duration:
		_, err := time.ParseDuration(s)
		n, number := strconv.Atoi(s)
		bad = (err != nil && number != nil) || (number == nil && n < 0) || strings.HasPrefix(s, "-")
	case Quantity:
		bad = !quantity.MatchString(s)
	case Host:
		return wrongHost(s)
	case URL:
		return wrongURL(s)
	case Selector:
		bad = !selector.MatchString(s) || strings.HasPrefix(s, "-")
	case Pair:
		bad = !pair.MatchString(s)
	case Label:
		bad = !shortWord.MatchString(s)
	case Plain:
		bad = !plainName.MatchString(s)
	case Path:
		bad = !path.MatchString(s) || strings.HasPrefix(s, "-")
	case Text:
		bad = s == "" || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' })
	case Fixed:
		bad = false
	default:
		return "has no type" // fail closed: a type that nobody wrote a rule for takes no value
	}
	if bad {
		return "is not a valid " + string(t)
	}
	return ""
}

// metadata are hosts that hand out a cloud's credentials under a name.
var metadata = []string{"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal", "metadata.azure.com", "kubernetes", "kubernetes.default"}

func wrongHost(s string) string {
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	bare := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if addr, err := netip.ParseAddr(bare); err == nil {
		return wrongAddr(addr)
	}
	if numeric.MatchString(s) || strings.HasPrefix(s, "[") {
		return "is an address in an unusual spelling"
	}
	if len(s) > 253 || !hostName.MatchString(s) {
		return "is not a valid host"
	}
	for _, m := range metadata {
		if s == m || strings.HasPrefix(s, "kubernetes.default.") {
			return "hands out credentials; it is never asked"
		}
	}
	return ""
}

func wrongAddr(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	for _, p := range []string{"169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32", "64:ff9b::/96", "2002::/16"} {
		if netip.MustParsePrefix(p).Contains(addr) {
			return "is a link-local or metadata address; it is never asked"
		}
	}
	if addr.IsMulticast() || addr.IsUnspecified() {
		return "is no single host"
	}
	return ""
}

// hostile are path segments whose GET changes something or shows secrets in common servers.
var hostile = regexp.MustCompile(`(?i)(^|[/_.=&?-])(shutdown|quit|quitquitquit|abort|abortabortabort|kill|delete|remove|destroy|drop|restart|reboot|reload|reset|stop|drain|flush|purge|exec|run|env|configprops|heapdump|threaddump|dump|secrets?|tokens?|credentials?|password|healthcheck/fail|\.env|\.git|\.aws|\.ssh)([/_.=&?-]|$)`)

func wrongURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }):
		return "is not a valid url"
	case u.Scheme != "http" && u.Scheme != "https":
		return "is neither http nor https"
	case u.User != nil:
		return "holds a user or password"
	case strings.ContainsAny(s, "{}[]") && !strings.HasPrefix(u.Host, "["):
		return "holds brackets, which curl would expand"
	}
	if why := wrongHost(u.Hostname()); why != "" {
		return why
	}
	clean, err := url.PathUnescape(u.EscapedPath())
	asked, queryErr := url.QueryUnescape(u.RawQuery)
	if err != nil || queryErr != nil || hostile.MatchString(clean) || hostile.MatchString(asked) || strings.Contains(clean, "..") {
		return "has a path that may change something or show secrets"
	}
	return ""
}

// clip bounds foreign text in a reason.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
