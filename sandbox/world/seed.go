package world

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"text/template"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/util/retry"

	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

//go:embed seed.yaml
var seedYAML string

const changeCause = "kubernetes.io/change-cause"

// Seed makes the world's objects where they are missing and changes none that is
// there. A Deployment is made with the release before today's and then brought
// to today's, so that there is a good revision to go back to; for that, Seed
// waits for the Deployment controller, and for nothing else.
func Seed(ctx context.Context, config *rest.Config, o Options) error {
	o = o.complete()
	objects, err := o.objects()
	if err != nil {
		return err
	}
	client, err := connect(config)
	if err != nil {
		return err
	}
	maker, err := newMaker(config)
	if err != nil {
		return err
	}
	for _, object := range objects {
		switch object.GetKind() {
		case "Deployment":
			err = seedDeployment(ctx, client, maker, object)
		case "StatefulSet": // the first of the workloads
			if err = awaitGround(ctx, client, o.Namespace); err == nil {
				err = maker.make(ctx, object)
			}
		default:
			err = maker.make(ctx, object)
		}
		if err != nil {
			return fmt.Errorf("seed %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

// objects are all objects of the world, in the order in which they are made.
func (o Options) objects() ([]*unstructured.Unstructured, error) {
	type node struct{ Name, Zone string }
	type volume struct{ Name, Size, Claim, App string }
	in := struct {
		Namespace, PoolLabel, ServiceLabel, Password string
		Nodes                                        []node
		Volumes                                      []volume
		Services                                     []marketplace.Service
	}{
		Namespace: o.Namespace, PoolLabel: marketplace.PoolLabel, ServiceLabel: marketplace.ServiceLabel,
		Password: marketplace.DatabasePassword, Services: marketplace.Services(),
	}
	// Nodes and volumes are not namespaced: another world needs other names.
	prefix := "worker"
	if o.Namespace != DefaultNamespace {
		h := fnv.New32a()
		h.Write([]byte(o.Namespace))
		prefix = fmt.Sprintf("worker-%06x", h.Sum32()&0xffffff)
	}
	for i := range o.Nodes {
		in.Nodes = append(in.Nodes, node{fmt.Sprintf("%s-%d", prefix, i+1), "eu-central-1" + string(rune('a'+i%3))})
	}
	for _, s := range in.Services {
		if s.Stateful {
			size := map[marketplace.Kind]string{marketplace.Database: "50Gi", marketplace.Cache: "10Gi"}[s.Kind]
			in.Volumes = append(in.Volumes, volume{o.Namespace + "-" + s.Name + "-data", size, "data-" + s.Workload + "-0", s.Name})
		}
	}

	tmpl, err := template.New("seed.yaml").Option("missingkey=error").Parse(seedYAML)
	if err != nil {
		return nil, fmt.Errorf("read seed.yaml: %w", err)
	}
	var text bytes.Buffer
	if err := tmpl.Execute(&text, in); err != nil {
		return nil, fmt.Errorf("fill seed.yaml: %w", err)
	}
	var objects []*unstructured.Unstructured
	decoder := utilyaml.NewYAMLOrJSONDecoder(&text, 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, fmt.Errorf("read seed.yaml: %w", err)
		}
		objects = append(objects, object)
	}
}

// maker creates objects of any kind.
type maker struct {
	client dynamic.Interface
	mapper meta.RESTMapper
}

func newMaker(config *rest.Config) (*maker, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connect to the sandbox's cluster: %w", err)
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connect to the sandbox's cluster: %w", err)
	}
	return &maker{client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kinds))}, nil
}

// make creates the object; one that is there already is left as it is.
func (m *maker) make(ctx context.Context, object *unstructured.Unstructured) error {
	kind := object.GroupVersionKind()
	mapping, err := m.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	var into dynamic.ResourceInterface = m.client.Resource(mapping.Resource)
	if object.GetNamespace() != "" {
		into = m.client.Resource(mapping.Resource).Namespace(object.GetNamespace())
	}
	if _, err := into.Create(ctx, object, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return nil
}

// seedDeployment makes a Deployment in two releases. Interrupted between them it
// goes on from there the next time.
func seedDeployment(ctx context.Context, client kubernetes.Interface, m *maker, object *unstructured.Unstructured) error {
	s, err := serviceOf(object.GetName())
	if err != nil {
		return err
	}
	before, today := s.Image(s.Before), s.Image(s.Tag)
	first := object.DeepCopy()
	first.SetAnnotations(map[string]string{changeCause: "release " + s.Before})
	containers, _, err := unstructured.NestedSlice(first.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) == 0 {
		return fmt.Errorf("seed.yaml: no containers in %s: %w", object.GetName(), err)
	}
	container, ok := containers[0].(map[string]any)
	if !ok {
		return fmt.Errorf("seed.yaml: the container of %s is no object", object.GetName())
	}
	container["image"] = before
	if err := unstructured.SetNestedSlice(first.Object, containers, "spec", "template", "spec", "containers"); err != nil {
		return err
	}
	if err := m.make(ctx, first); err != nil {
		return err
	}

	deployments := client.AppsV1().Deployments(object.GetNamespace())
	err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		d, err := deployments.Get(ctx, object.GetName(), metav1.GetOptions{})
		return err == nil && d.Status.ObservedGeneration > 0 && d.Annotations["deployment.kubernetes.io/revision"] != "", err
	})
	if err != nil {
		return fmt.Errorf("wait for its first revision: %w", err)
	}
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		d, err := deployments.Get(ctx, object.GetName(), metav1.GetOptions{})
		if err != nil || !onlyRelease(d, before) {
			return err
		}
		d.Annotations[changeCause] = "release " + s.Tag
		d.Spec.Template.Spec.Containers[0].Image = today
		_, err = deployments.Update(ctx, d, metav1.UpdateOptions{})
		return err
	})
}

// onlyRelease says that a Deployment still is as it was first made.
func onlyRelease(d *appsv1.Deployment, image string) bool {
	return d.Annotations["deployment.kubernetes.io/revision"] == "1" && d.Spec.Template.Spec.Containers[0].Image == image
}

func serviceOf(workload string) (marketplace.Service, error) {
	for _, s := range marketplace.Services() {
		if s.Workload == workload {
			return s, nil
		}
	}
	return marketplace.Service{}, fmt.Errorf("no service has the workload %q", workload)
}

// container is the one container of a pod template.
func container(t *corev1.PodTemplateSpec) *corev1.Container { return &t.Spec.Containers[0] }

// awaitGround returns once every node of the world takes pods and every volume
// is bound. Made before, the first pods would leave warnings of failed
// scheduling in a world that is well.
func awaitGround(ctx context.Context, client kubernetes.Interface, namespace string) error {
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: marketplace.PoolLabel + "=" + namespace})
		if err != nil {
			return false, err
		}
		claims, err := client.CoreV1().PersistentVolumeClaims(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		return len(nodes.Items) > 0 && !slices.ContainsFunc(nodes.Items, unfit) && !slices.ContainsFunc(claims.Items, unbound), nil
	})
	if err != nil {
		return fmt.Errorf("wait for the nodes and volumes of %s: %w", namespace, err)
	}
	return nil
}

func unbound(claim corev1.PersistentVolumeClaim) bool { return claim.Status.Phase != corev1.ClaimBound }

// unfit says whether a node will take pods, and does not yet. One that Break has
// taken down must not hold up seeding again.
func unfit(node corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionUnknown {
			return false
		}
	}
	return len(node.Spec.Taints) > 0
}
