package kubelet

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
)

// announcer records events as kubelets and the node controller do, through the
// same recorder: repeated ones are counted, floods are cut.
type announcer struct {
	broadcaster record.EventBroadcaster
	recorder    record.EventRecorder
}

func newAnnouncer(client kubernetes.Interface) *announcer {
	b := record.NewBroadcaster()
	b.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	return &announcer{broadcaster: b, recorder: b.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet"})}
}

func (a *announcer) shutdown() { a.broadcaster.Shutdown() }

func (a *announcer) pod(pod *corev1.Pod, container string, e event) {
	a.recorder.Event(&corev1.ObjectReference{
		APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
		ResourceVersion: pod.ResourceVersion, FieldPath: fmt.Sprintf("spec.containers{%s}", container),
	}, e.kind, e.reason, e.message)
}

// node announces something of a node. Node events carry the name as the UID.
func (a *announcer) node(node *corev1.Node, kind, reason, message string) {
	a.recorder.Event(&corev1.ObjectReference{
		APIVersion: "v1", Kind: "Node", Name: node.Name, UID: types.UID(node.Name), Namespace: metav1.NamespaceNone,
	}, kind, reason, message)
}
