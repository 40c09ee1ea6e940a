package k8sops

import (
	"context"
	"errors"
	"net"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/svcdown/svcdown/redact"
)

// Kind classes an Error, so that handlers can word it and choose what to offer.
type Kind string

// The kinds of Error. None of them means that something was changed.
const (
	Forbidden       Kind = "forbidden"       // our account may not
	Unauthenticated Kind = "unauthenticated" // a token is not valid
	NotFound        Kind = "not-found"       // the object, pod, container or revision does not exist
	Unreachable     Kind = "unreachable"     // no connection to the API server
	Timeout         Kind = "timeout"         // no answer in time
	Conflict        Kind = "conflict"        // the object is not any more what the request builds on
	Paused          Kind = "paused"          // the rollout is paused
	Empty           Kind = "empty"           // the change would change nothing
	HPA             Kind = "hpa"             // an autoscaler would overwrite the change
	Unsupported     Kind = "unsupported"     // this kind of object cannot do that
	Invalid         Kind = "invalid"         // the API server or we refuse the arguments
	NoProgram       Kind = "no-program"      // the container's image lacks the program
	NotRunning      Kind = "not-running"     // there is no running container to ask
	Internal        Kind = "internal"        // the API server answered with an error of its own
	OutOfBounds     Kind = "out-of-bounds"   // a place or a kind of object that svcdown does not look at
)

// Error says what was attempted on which object and why it did not happen.
type Error struct {
	Kind   Kind
	Op     string // "restart backend", "read pods"
	Object string // "deployment/backend-deployment in web3-marketplace-prod"
	// Message is a whole sentence for a person: what happened and, where known, what to do.
	Message redact.Text
	Err     error // for the log, may be nil
}

func (e *Error) Error() string {
	if e.Object == "" {
		return e.Op + ": " + e.Message.String()
	}
	return e.Op + ": " + e.Object + ": " + e.Message.String()
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of an error of this package, "" for any other.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// apiError turns an error of client-go into ours; nil stays nil.
func apiError(op, object string, err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	kind, message := classify(err)
	return &Error{Kind: kind, Op: op, Object: object, Message: message, Err: err}
}

func classify(err error) (Kind, redact.Text) {
	var dns *net.DNSError
	var netErr net.Error
	switch {
	case apierrors.IsForbidden(err):
		return Forbidden, redact.F("The API server forbids it: %s.", err)
	case apierrors.IsUnauthorized(err):
		return Unauthenticated, redact.Const("The API server does not accept our credentials.")
	case apierrors.IsNotFound(err):
		return NotFound, redact.F("It does not exist: %s.", err)
	case apierrors.IsConflict(err):
		return Conflict, redact.F("It was changed at the same moment: %s.", err)
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsMethodNotSupported(err):
		return Invalid, redact.F("The API server refuses it: %s.", err)
	case errors.Is(err, context.DeadlineExceeded), apierrors.IsTimeout(err), apierrors.IsServerTimeout(err):
		return Timeout, redact.Const("The Kubernetes API did not answer in time.")
	case errors.Is(err, context.Canceled):
		return Timeout, redact.Const("It was cancelled before the Kubernetes API answered.")
	case notSent(err), errors.As(err, &dns):
		return Unreachable, redact.F("The Kubernetes API cannot be reached: %s.", err)
	case errors.As(err, &netErr) && netErr.Timeout():
		return Timeout, redact.Const("The Kubernetes API did not answer in time.")
	case errors.As(err, &netErr), errors.Is(err, syscall.ECONNRESET):
		return Unreachable, redact.F("The connection to the Kubernetes API was lost: %s.", err)
	default:
		return Internal, redact.F("The Kubernetes API answered with an error: %s.", err)
	}
}

// notSent reports whether err proves that the request never left: the connection itself could not be made.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
