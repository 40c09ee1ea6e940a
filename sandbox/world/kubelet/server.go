package kubelet

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

// Handler answers what the API server and metrics-server ask kubelets: logs,
// exec and resource metrics. It needs TLS and HTTP/1.1, over which exec upgrades
// the connection. It answers whoever asks, so it must listen on loopback alone.
func (k *Kubelet) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.serveLogs)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", k.serveExec)
	mux.HandleFunc("GET /metrics/nodes/{node}/metrics/resource", func(w http.ResponseWriter, r *http.Request) {
		k.meter.write(w, k.pods(), r.PathValue("node"), k.latest.Load().state, time.Now())
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "the sandbox's kubelet answers logs, exec and resource metrics, not "+r.URL.Path, http.StatusNotImplemented)
	})
	return mux
}

func (k *Kubelet) serveLogs(w http.ResponseWriter, r *http.Request) {
	pod, err := k.find(r.PathValue("namespace"), r.PathValue("pod"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	options, err := logOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	running := func(id string) bool {
		now, err := k.find(pod.Namespace, pod.Name)
		if err != nil || len(now.Status.ContainerStatuses) == 0 {
			return false
		}
		c := now.Status.ContainerStatuses[0]
		return c.ContainerID == id && c.State.Running != nil
	}
	out := &flushing{w: w, flush: http.NewResponseController(w).Flush}
	if err := k.logs.read(r.Context(), pod, r.PathValue("container"), options, running, out); err != nil {
		if out.wrote {
			k.log.Error("send log", "pod", pod.Name, "err", err)
			return
		}
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func logOptions(r *http.Request) (*corev1.PodLogOptions, error) {
	q := r.URL.Query()
	o := &corev1.PodLogOptions{
		Follow: q.Get("follow") == "true", Previous: q.Get("previous") == "true", Timestamps: q.Get("timestamps") == "true",
	}
	for name, to := range map[string]**int64{"tailLines": &o.TailLines, "limitBytes": &o.LimitBytes, "sinceSeconds": &o.SinceSeconds} {
		raw := q.Get(name)
		if raw == "" {
			continue
		}
		n, err := strconv.ParseInt(raw, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not a number", name, raw)
		}
		*to = &n
	}
	if raw := q.Get("sinceTime"); raw != "" {
		t, err := time.Parse(time.RFC3339, raw)
		if err != nil {
			return nil, fmt.Errorf("sinceTime: %w", err)
		}
		o.SinceTime = &metav1.Time{Time: t}
	}
	return o, nil
}

// flushing sends each write at once: a log that is followed must not wait in a
// buffer.
type flushing struct {
	w     http.ResponseWriter
	flush func() error
	wrote bool
}

func (f *flushing) Write(p []byte) (int, error) {
	f.wrote = true
	n, err := f.w.Write(p)
	if err == nil {
		err = f.flush()
	}
	return n, err
}

func (k *Kubelet) serveExec(w http.ResponseWriter, r *http.Request) {
	pod, err := k.find(r.PathValue("namespace"), r.PathValue("pod"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	container := r.PathValue("container")
	if len(pod.Status.ContainerStatuses) == 0 || pod.Status.ContainerStatuses[0].Name != container ||
		pod.Status.ContainerStatuses[0].State.Running == nil {
		http.Error(w, fmt.Sprintf("container not found (%q)", container), http.StatusInternalServerError)
		return
	}
	streams, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	remotecommand.ServeExec(w, r, executor{k, pod}, pod.Name, string(pod.UID), container, r.URL.Query()["command"],
		streams, time.Hour, 30*time.Second, remotecommand.SupportedStreamingProtocols)
}
