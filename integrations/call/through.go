package call

import (
	"bytes"
	"io"
	"net/http"

	"github.com/svcdown/svcdown/redact"
)

// Through is what a client library makes one call through, so that the bounds, the proxy and the errors are those of [System.Send]. It serves
// one call after the other, not several at once.
type Through struct {
	s      *System
	status int
	err    error
}

// Through makes one.
func (s *System) Through() *Through { return &Through{s: s} }

// Do sends the request that the library made.
func (t *Through) Do(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", agent)
	answer, status, err := t.s.exchange(req)
	if t.status, t.err = status, err; err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(answer)), Request: req}, nil
}

// Err is what a call that the library calls failed failed of: an [Error], or the context's. Libraries put it into words of their own, without the type
// and with whatever the other side said.
func (t *Through) Err(library error) error {
	switch {
	case library == nil:
		return nil
	case t.err != nil:
		return t.err
	case t.status == 0:
		return t.s.fail(0, false, false, 0, redact.F("the question cannot be asked: %s", t.s.clean(library.Error()))) // before it called
	default:
		return t.s.unreadable(t.status)
	}
}
