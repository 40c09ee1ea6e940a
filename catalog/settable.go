package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// DefaultSettable is the environment variable that set-env may set where a service names none.
const DefaultSettable = "LOG_LEVEL"

// MaySet reports whether set-env may set the environment variable key of the service.
func (s Service) MaySet(key string) bool { return slices.Contains(s.SettableKeys(), key) }

// SettableKeys are the environment variables that set-env may set.
func (s Service) SettableKeys() []string {
	if s.Settable == nil {
		return []string{DefaultSettable}
	}
	return s.Settable
}

var (
	// variable is a C identifier: what every program can read.
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	// credential are names whose values are secrets, or lead to where secrets go.
	credential = regexp.MustCompile(`(?i)(pass|secret|token|credential|private|(^|_)key$|(^|_)dsn$|(^|_)ur[il]$|(^|_)auth)`)
	// program are variables that make another program of the one that runs.
	program = regexp.MustCompile(`(?i)^(ld_.*|path|.*_options|.*_opts|pythonpath|pythonstartup|bash_env|env|ifs|node_.*|java_.*|jdk_.*)$`)
)

func (d *document) checkSettable(path, key string) {
	switch {
	case !d.need(path, key, variable, "the name of an environment variable", "use letters, digits and _, such as LOG_LEVEL"):
	case credential.MatchString(key):
		d.refuse(path, fmt.Sprintf("%s: %q looks like a credential or an address; values of settable variables stand on cards and in the database", path, clip(key)),
			"leave it out and change it where the service is deployed from")
	case program.MatchString(key):
		d.refuse(path, fmt.Sprintf("%s: %q can make another program of the service", path, clip(key)), "leave it out and change it where the service is deployed from")
	}
}

// ManifestKinds lists the kinds of objects that a manifest may be.
func ManifestKinds() []string { return []string{"Job"} }

func (d *document) checkManifests(m Manifests) {
	if m.Dir == "" && (len(m.Kinds) > 0 || len(m.Images) > 0) && !d.reported("manifests.dir") {
		d.refuse("manifests", "manifests.dir is missing", "write the folder of the reviewed manifests, such as /etc/svcdown/manifests")
	}
	d.allKnown("manifests.kinds", "kind", m.Kinds, ManifestKinds())
	for i, image := range m.Images {
		at := fmt.Sprintf("manifests.images[%d]", i)
		if image == "" || strings.ContainsAny(image, " @*") || strings.Contains(image[strings.LastIndex(image, "/")+1:], ":") {
			d.refuse(at, fmt.Sprintf("%s: %q is not a repository of images", at, clip(image)), "write it without tag or digest, such as grafana/k6")
		}
	}
}
