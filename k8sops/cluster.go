package k8sops

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"k8s.io/client-go/kubernetes"
	authentication "k8s.io/client-go/kubernetes/typed/authentication/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	metricsclient "k8s.io/metrics/pkg/client/clientset/versioned"

	"github.com/svcdown/svcdown/catalog"
)

// Options tune a Cluster; the zero value is ready for use.
type Options struct {
	Log zerolog.Logger
	// Now is the clock, default time.Now. Times in findings are shown in its zone.
	Now func() time.Time
	// QPS and Burst bound our own calls, default 200 and 400: client-go's 5 per second would queue parallel reads.
	QPS   float32
	Burst int
	// Version stands in the User-Agent, default "dev".
	Version string
	// CheckTimeout bounds all checks of one status, default 4 s; CallTimeout one change or one plain read, default 8 s.
	CheckTimeout time.Duration
	CallTimeout  time.Duration
	// Stall ends the wait for a rollout that has no deadline of its own and does not move, default 10 minutes.
	Stall time.Duration
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.QPS == 0 {
		o.QPS = 200
	}
	if o.Burst == 0 {
		o.Burst = int(2 * o.QPS)
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.CheckTimeout == 0 {
		o.CheckTimeout = 4 * time.Second
	}
	if o.CallTimeout == 0 {
		o.CallTimeout = 8 * time.Second
	}
	if o.Stall == 0 {
		o.Stall = 10 * time.Minute
	}
	return o
}

// FieldManager names us in managedFields.
const FieldManager = "svcdown"

// Cluster is the client of one cluster. It is safe for concurrent use.
type Cluster struct {
	name string
	// kubeContext is what --context must say in a command for people.
	kubeContext string
	client      kubernetes.Interface
	tokens      authentication.AuthenticationV1Interface // with a rate of its own
	metrics     metricsclient.Interface
	config      *rest.Config // for streams, which need connections of their own
	resources   map[string]resource
	o           Options

	mu      sync.Mutex
	watched map[scope]*standing // nil while Watch does not run
	flights map[string]*flight
}

// Open makes the client of a catalogue's cluster. It does not call the API. With neither kubeconfig nor context named the usual rules apply:
// KUBECONFIG, ~/.kube/config, then the service account of the pod it runs in.
func Open(c catalog.Cluster, o Options) (*Cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if c.Kubeconfig != "" {
		rules.ExplicitPath = c.Kubeconfig
	}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: c.Context})
	cfg, err := loader.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("open cluster %s: %w", c.Name, err)
	}
	cluster, err := FromConfig(c.Name, cfg, o)
	if err != nil {
		return nil, err
	}
	cluster.kubeContext = c.Context
	if raw, err := loader.RawConfig(); err == nil && cluster.kubeContext == "" {
		cluster.kubeContext = raw.CurrentContext
	}
	if cluster.kubeContext == "" {
		cluster.kubeContext = c.Name // in-cluster: people usually name the context as the catalogue names the cluster
	}
	return cluster, nil
}

// FromConfig makes the client from a rest config that the caller already has. It does not change cfg.
func FromConfig(name string, cfg *rest.Config, o Options) (*Cluster, error) {
	o = o.withDefaults()
	own := rest.CopyConfig(cfg)
	own.QPS, own.Burst = o.QPS, o.Burst
	own.UserAgent = "svcdown/" + o.Version
	own.ContentType = "application/vnd.kubernetes.protobuf"
	own.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	own.WarningHandler = rest.NoWarnings{}
	// No Timeout here: it would cut watches. Every call brings its own deadline in its context.
	own.Timeout = 0
	if own.Dial == nil {
		own.Dial = (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	}
	// One HTTP client for both, so that they share a connection: at a terminal a second TLS handshake is a part of the answer's time.
	shared, err := rest.HTTPClientFor(own)
	if err != nil {
		return nil, fmt.Errorf("open cluster %s: %w", name, err)
	}
	client, err := kubernetes.NewForConfigAndClient(own, shared)
	if err != nil {
		return nil, fmt.Errorf("open cluster %s: %w", name, err)
	}
	// Whoever reaches us may send tokens, good or not: asking about them must not use up what every other call needs.
	asking := rest.CopyConfig(own)
	asking.QPS, asking.Burst = identifyQPS, 2*identifyQPS
	tokens, err := authentication.NewForConfigAndClient(asking, shared)
	if err != nil {
		return nil, fmt.Errorf("open cluster %s: tokens: %w", name, err)
	}
	metrics, err := metricsclient.NewForConfigAndClient(own, shared)
	if err != nil {
		return nil, fmt.Errorf("open cluster %s: metrics: %w", name, err)
	}
	return &Cluster{
		name: name, kubeContext: name, client: client, tokens: tokens, metrics: metrics, config: own, resources: resourcesOf(client), o: o,
		flights: map[string]*flight{},
	}, nil
}

// Name is the catalogue's name of the cluster.
func (c *Cluster) Name() string { return c.name }

// Ping reports whether the API server answers and calls itself ready.
func (c *Cluster) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	err := c.client.CoreV1().RESTClient().Get().AbsPath("/readyz").MaxRetries(0).Do(ctx).Error()
	return apiError("reach the Kubernetes API", c.name, err)
}
