package k8sops

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// execTarget is the one container that a program runs in, and what tells it from its successor of the same name.
type execTarget struct {
	namespace, pod, container string
	uid                       types.UID
	containerID               string
	read                      func() (*corev1.Pod, error)
}

var workloadKinds = map[string]string{"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}

// execTarget chooses the pod, read from the API just now, and its container.
func (c *Cluster) execTarget(ctx context.Context, r ExecRequest) (execTarget, error) {
	op := "run " + r.Argv[0]
	name := r.Name
	if r.Kind != "pods" {
		var err error
		if name, err = c.readyPod(ctx, op, r); err != nil {
			return execTarget{}, err
		}
	}
	read := func() (*corev1.Pod, error) {
		// The look afterwards must be possible when the time of the program itself is over.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.o.CallTimeout)
		defer cancel()
		return c.client.CoreV1().Pods(r.Namespace).Get(ctx, name, metav1.GetOptions{})
	}
	pod, err := read()
	if err != nil {
		return execTarget{}, apiError(op, "pod/"+name+" in "+r.Namespace, err)
	}
	t := execTarget{namespace: r.Namespace, pod: name, uid: pod.UID, read: read}
	if t.container, err = execContainer(op, pod, r.Container); err != nil {
		return t, err
	}
	s := containerStatus(pod, t.container)
	if s == nil || s.State.Running == nil {
		return t, &Error{Kind: NotRunning, Op: op, Object: "pod/" + name + " container " + t.container,
			Message: redact.F("The container does not run: %s.", stateOf(viewPod(pod, c.o.Now()), s))}
	}
	t.containerID = s.ContainerID
	return t, nil
}

func stateOf(v podView, s *corev1.ContainerStatus) redact.Text {
	switch {
	case v.reason != "":
		return redact.Join(", ", redact.F("%s", v.reason), v.detail)
	case s != nil && s.State.Waiting != nil:
		return redact.F("%s", s.State.Waiting.Reason)
	case s != nil && s.State.Terminated != nil:
		return exit(s.State.Terminated)
	default:
		return redact.Const("it was not started yet")
	}
}

func execContainer(op string, p *corev1.Pod, name string) (string, error) {
	all := containersOf(p)
	switch {
	case name != "" && slices.Contains(all, name):
		return name, nil
	case name != "":
		return "", &Error{Kind: NotFound, Op: op, Object: "pod/" + p.Name, Message: redact.F("It has no container %q. There are: %s.", name, strings.Join(all, ", "))}
	case slices.Contains(all, p.Annotations[defaultContainer]):
		return p.Annotations[defaultContainer], nil
	default:
		return p.Spec.Containers[0].Name, nil
	}
}

func containerStatus(p *corev1.Pod, name string) *corev1.ContainerStatus {
	for _, s := range slices.Concat(p.Status.ContainerStatuses, p.Status.InitContainerStatuses, p.Status.EphemeralContainerStatuses) {
		if s.Name == name {
			return &s
		}
	}
	return nil
}

// readyPod is a ready pod of the workload or Service, else the one that is nearest to it.
func (c *Cluster) readyPod(ctx context.Context, op string, r ExecRequest) (string, error) {
	object := strings.TrimSuffix(r.Kind, "s") + "/" + r.Name + " in " + r.Namespace
	var pods found[*corev1.Pod]
	var err error
	switch kind, known := workloadKinds[r.Kind]; {
	case known:
		w, werr := c.workload(ctx, catalog.Service{Name: r.Name, Namespace: r.Namespace, Workload: catalog.Workload{Kind: kind, Name: r.Name}})
		if werr != nil {
			return "", werr
		}
		pods, err = c.podsOf(ctx, w)
	case r.Kind == "services":
		s, serr := c.client.CoreV1().Services(r.Namespace).Get(ctx, r.Name, metav1.GetOptions{})
		if serr != nil {
			return "", apiError(op, object, serr)
		}
		if len(s.Spec.Selector) == 0 {
			return "", &Error{Kind: Unsupported, Op: op, Object: object, Message: redact.Const("This Service selects no pods by labels.")}
		}
		pods, err = read[*corev1.Pod](ctx, c, scope{resource: "pods", namespace: r.Namespace, label: labels.SelectorFromSet(s.Spec.Selector).String()})
	default:
		return "", &Error{Kind: Unsupported, Op: op, Object: object, Message: redact.F("svcdown finds no pods of %s; name the pod.", r.Kind)}
	}
	if err != nil {
		return "", err
	}
	views := viewPods(pods.items, c.o.Now()) // the worst first
	for _, v := range slices.Backward(views) {
		if v.ready && !v.gone {
			return v.pod.Name, nil
		}
	}
	for _, v := range slices.Backward(views) {
		if !v.gone {
			return v.pod.Name, nil
		}
	}
	return "", &Error{Kind: NotRunning, Op: op, Object: object, Message: redact.Const("It has no pod to run it in.")}
}

// ExternalName is where a Service leads by DNS alone (type ExternalName), "" for every other Service and for one that is not there.
func (c *Cluster) ExternalName(ctx context.Context, namespace, service string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	s, err := c.client.CoreV1().Services(namespace).Get(ctx, service, metav1.GetOptions{})
	switch err := apiError("read where a Service leads", "service/"+service+" in "+namespace, err); {
	case KindOf(err) == NotFound:
		return "", nil
	case err != nil:
		return "", err
	}
	if s.Spec.Type != corev1.ServiceTypeExternalName {
		return "", nil
	}
	return strings.TrimSuffix(s.Spec.ExternalName, "."), nil
}

// stillThere compares the container of now with the one that was asked: an answer of another one would be told of the wrong thing.
func (c *Cluster) stillThere(t execTarget) error {
	op, object := "check which container answered", "pod/"+t.pod+" container "+t.container
	pod, err := t.read()
	if KindOf(apiError(op, object, err)) == NotFound {
		return &Error{Kind: Conflict, Op: op, Object: object, Err: err, Message: redact.Const("The pod went away meanwhile; the answer is of one that is gone.")}
	}
	if err != nil {
		return apiError(op, object, err)
	}
	if s := containerStatus(pod, t.container); pod.UID != t.uid || s == nil || s.ContainerID != t.containerID {
		return &Error{Kind: Conflict, Op: op, Object: object, Message: redact.Const("The container was replaced meanwhile; the answer is of one that is gone.")}
	}
	return nil
}

// MainContainer is the only container of the service's pods, or the one that they call the default; "" when there is no telling.
func (c *Cluster) MainContainer(ctx context.Context, svc catalog.Service) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	w, err := c.workload(ctx, svc)
	if err != nil {
		return "", err
	}
	if name := w.template.Annotations[defaultContainer]; name != "" {
		return name, nil
	}
	if len(w.template.Spec.Containers) == 1 {
		return w.template.Spec.Containers[0].Name, nil
	}
	return "", nil
}
