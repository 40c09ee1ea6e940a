package catalog

import (
	"cmp"
	"fmt"
	"time"
)

// ProbeWatch opens an incident when Failures of the last Of probes of a service's URL failed, and says that it is over when as many in a row
// succeeded.
type ProbeWatch struct {
	Every    time.Duration `yaml:"every"`    // default 30s
	Failures int           `yaml:"failures"` // default 3
	Of       int           `yaml:"of"`       // default 5, at most 20
}

// What a watch of the health URLs means where it is silent.
const (
	DefaultProbeEvery    = 30 * time.Second
	DefaultProbeFailures = 3
	DefaultProbeOf       = 5
	maxProbeOf           = 20
)

func (w *ProbeWatch) fillDefaults() {
	if w == nil {
		return
	}
	w.Every = cmp.Or(w.Every, DefaultProbeEvery)
	w.Of = cmp.Or(w.Of, max(DefaultProbeOf, w.Failures))
	w.Failures = cmp.Or(w.Failures, min(DefaultProbeFailures, w.Of))
}

// checkWatch bounds how often health URLs are asked, and refuses a count that could never be reached.
func (d *document) checkWatch(w *ProbeWatch) {
	if w == nil {
		return
	}
	const path = "probes.watch"
	failures, of := cmp.Or(w.Failures, min(DefaultProbeFailures, cmp.Or(w.Of, DefaultProbeOf))), cmp.Or(w.Of, max(DefaultProbeOf, w.Failures))
	switch {
	case w.Every != 0 && w.Every < 5*time.Second:
		d.refuse(path+".every", fmt.Sprintf("%s.every (%s) is shorter than 5s", path, w.Every), "a probe may take that long; write 30s")
	case of < 1 || of > maxProbeOf:
		d.refuse(path+".of", fmt.Sprintf("%s.of must be from 1 to %d, not %d", path, maxProbeOf, of), "write how many of the last probes are looked at, such as 5")
	case failures < 1 || failures > of:
		d.refuse(path+".failures", fmt.Sprintf("%s.failures must be from 1 to %d, not %d", path, of, failures), "write how many of them must fail, such as 3")
	}
}
