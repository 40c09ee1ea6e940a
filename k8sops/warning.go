package k8sops

import (
	"strings"
	"time"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// warning is what is kept of a Warning event. A full namespace has thousands, and an [corev1.Event] takes three times as much memory.
type warning struct {
	namespace, name, version string // of the event itself
	about                    object
	uid                      string // of the object
	reason, message          string
	times                    int
	last                     time.Time
}

// GetObjectMeta lets a standing watch tell one warning from another.
func (w *warning) GetObjectMeta() metav1.Object {
	return &metav1.ObjectMeta{Namespace: w.namespace, Name: w.name, ResourceVersion: w.version}
}

// longest event message that is kept.
const longestMessage = 600

func warningOf(e *corev1.Event) *warning {
	message := e.Message
	if len(message) > longestMessage {
		message = strings.Clone(message[:longestMessage]) // or the rest would stay in memory with it
	}
	return &warning{
		namespace: shared(e.Namespace), name: e.Name, version: e.ResourceVersion,
		about: object{shared(e.InvolvedObject.Kind), e.InvolvedObject.Name}, uid: string(e.InvolvedObject.UID),
		reason: shared(e.Reason), message: message, times: eventCount(e), last: eventTime(e),
	}
}

// shared is s in the one copy that all warnings share.
func shared(s string) string { return unique.Make(s).Value() }

// warningsOf leaves out what is no Warning.
func warningsOf(events []*corev1.Event) []*warning {
	out := make([]*warning, 0, len(events))
	for _, e := range events {
		if e.Type == corev1.EventTypeWarning {
			out = append(out, warningOf(e))
		}
	}
	return out
}

// eventTime is when the event was last seen: a series counts by its last observation, which lastTimestamp does not show.
func eventTime(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil && !e.Series.LastObservedTime.IsZero():
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	default:
		return e.CreationTimestamp.Time
	}
}

func eventCount(e *corev1.Event) int {
	switch {
	case e.Series != nil:
		return int(e.Series.Count)
	case e.Count > 0:
		return int(e.Count)
	default:
		return 1
	}
}
