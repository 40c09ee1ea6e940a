package slacksim

import (
	"fmt"
	"net/http"
	"slices"
)

// Kinds of Fault.
const (
	FaultRateLimit     = "ratelimit"       // 429 with Retry-After; nothing is done
	FaultError         = "error"           // 200 with ok:false and Fault.Error; nothing is done
	FaultHTTP500       = "http500"         // a bare 500; nothing is done
	FaultDelay         = "delay"           // the call waits DelayMS, then is done
	FaultLostAnswer    = "lost_answer"     // the call is done, the connection ends before the answer
	FaultNoContentType = "no_content_type" // the call is done, the answer carries no Content-Type
)

// Fault makes Web API calls go wrong.
type Fault struct {
	// Method is the method to hit; "*" means every one.
	Method string `json:"method"`
	Kind   string `json:"kind"`
	// Times is how many calls it hits; 0 means one.
	Times int `json:"times"`
	// RetryAfter is in seconds, for FaultRateLimit; 0 means 1.
	RetryAfter int `json:"retry_after"`
	// DelayMS is in milliseconds, for FaultDelay.
	DelayMS int `json:"delay_ms"`
	// Error is the code for FaultError.
	Error string `json:"error"`
}

// Fault arranges f. Faults hit in the order in which they were arranged.
func (w *Workspace) Fault(f Fault) error {
	kinds := []string{FaultRateLimit, FaultError, FaultHTTP500, FaultDelay, FaultLostAnswer, FaultNoContentType}
	if !slices.Contains(kinds, f.Kind) {
		return fmt.Errorf("arrange fault: kind %q is none of %v; nothing was arranged", f.Kind, kinds)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.methods[f.Method]; !known && f.Method != "*" {
		return fmt.Errorf("arrange fault: there is no method %q; nothing was arranged", f.Method)
	}
	if f.Kind == FaultError && f.Error == "" {
		return fmt.Errorf("arrange fault: kind %q needs an error code; nothing was arranged", f.Kind)
	}
	f.Times, f.RetryAfter = max(1, f.Times), max(1, f.RetryAfter)
	w.faults = append(w.faults, &f)
	return nil
}

// ClearFaults takes back all faults that have not hit yet.
func (w *Workspace) ClearFaults() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = nil
}

// takeFault uses up one hit of the first fault for the method; nil when there is none.
func (w *Workspace) takeFault(method string) *Fault {
	for i, f := range w.faults {
		if f.Method == method || f.Method == "*" {
			if f.Times--; f.Times == 0 {
				w.faults = slices.Delete(w.faults, i, i+1)
			}
			hit := *f
			return &hit
		}
	}
	return nil
}

// instead is the answer given in place of doing the call; status 0 means the call is done.
func (f *Fault) instead() (int, http.Header, []byte) {
	if f == nil {
		return 0, nil, nil
	}
	switch f.Kind {
	case FaultRateLimit:
		return tooMany(f.RetryAfter)
	case FaultError:
		return reply(nil, refuse(f.Error))
	case FaultHTTP500:
		return http.StatusInternalServerError, http.Header{"Content-Type": {"text/html"}}, []byte("<html>Server Error</html>")
	}
	return 0, nil, nil
}
