package cluster

import (
	"fmt"
	"strconv"

	"github.com/svcdown/svcdown/sandbox/pki"
)

// Names of the components, in the order in which they start. The health servers
// of the namespaces follow, named "health-NAMESPACE".
const (
	Etcd              = "etcd"
	APIServer         = "apiserver"
	ControllerManager = "controller-manager"
	Scheduler         = "scheduler"
	MetricsServer     = "metrics-server"
	Kwok              = "kwok"
)

func etcdFlags(l Layout, p Ports) []string {
	client, peer := "http://"+loopback(p.Etcd), "http://"+loopback(p.EtcdPeer)
	return []string{
		"--name=sandbox",
		"--data-dir=" + l.etcd(),
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=sandbox=" + peer,
		// The data need not survive a power cut: every `up` starts afresh.
		"--unsafe-no-fsync",
		"--log-level=warn",
	}
}

func apiServerFlags(l Layout, p Ports, f pki.Files) []string {
	return []string{
		"--etcd-servers=http://" + loopback(p.Etcd),
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(p.API),
		// A loopback address is no valid endpoint of the kubernetes Service.
		"--endpoint-reconciler-type=none",
		"--cert-dir=" + l.pki(),
		"--tls-cert-file=" + f.ServingCert,
		"--tls-private-key-file=" + f.ServingKey,
		"--client-ca-file=" + f.CA,
		"--service-account-key-file=" + f.ServiceAccountPublicKey,
		"--service-account-signing-key-file=" + f.ServiceAccountPrivate,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-cluster-ip-range=10.96.0.0/16",
		"--authorization-mode=RBAC",
		"--token-auth-file=" + l.tokens(),
		"--kubelet-preferred-address-types=InternalIP",
		"--kubelet-certificate-authority=" + f.CA,
		"--requestheader-client-ca-file=" + f.FrontProxyCA,
		"--requestheader-allowed-names=" + pki.FrontProxyName,
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + f.FrontProxyCert,
		"--proxy-client-key-file=" + f.FrontProxyKey,
		"--audit-policy-file=" + l.auditPolicy(),
		"--audit-log-path=" + l.AuditLog(),
		// The event is in the file before the caller has the answer.
		"--audit-log-mode=blocking",
		"--audit-log-maxsize=0",
		// A demonstration left open over lunch should still know what happened.
		"--event-ttl=24h",
		"--profiling=false",
	}
}

func controllerManagerFlags(l Layout, p Ports, f pki.Files) []string {
	kubeconfig := l.componentKubeconfig(userControllerManager)
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(p.ControllerManager),
		"--tls-cert-file=" + f.ServingCert,
		"--tls-private-key-file=" + f.ServingKey,
		"--service-account-private-key-file=" + f.ServiceAccountPrivate,
		"--root-ca-file=" + f.CA,
		"--use-service-account-credentials=true",
		"--leader-elect=false",
		"--kube-api-qps=200",
		"--kube-api-burst=400",
		"--profiling=false",
	}
}

func schedulerFlags(l Layout, p Ports, f pki.Files) []string {
	kubeconfig := l.componentKubeconfig(userScheduler)
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(p.Scheduler),
		"--tls-cert-file=" + f.ServingCert,
		"--tls-private-key-file=" + f.ServingKey,
		"--leader-elect=false",
		"--kube-api-qps=200",
		"--kube-api-burst=400",
		"--profiling=false",
	}
}

func kwokFlags(l Layout, p Ports, f pki.Files) []string {
	return []string{
		"--kubeconfig=" + l.componentKubeconfig(userKwok),
		"--config=" + l.KwokConfig(),
		"--manage-all-nodes",
		"--node-ip=127.0.0.1",
		"--node-port=" + strconv.Itoa(p.Kwok),
		"--server-address=" + loopback(p.Kwok),
		"--tls-cert-file=" + f.ServingCert,
		"--tls-private-key-file=" + f.ServingKey,
		// Without it no lease is renewed, and every node is NotReady after 50 s.
		"--node-lease-duration-seconds=40",
	}
}

func metricsServerFlags(l Layout, p Ports, f pki.Files) []string {
	kubeconfig := l.componentKubeconfig(userMetricsServer)
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(p.MetricsServer),
		"--tls-cert-file=" + f.ServingCert,
		"--tls-private-key-file=" + f.ServingKey,
		"--kubelet-use-node-status-port",
		"--kubelet-certificate-authority=" + f.CA,
		"--kubelet-preferred-address-types=InternalIP",
		"--kubelet-request-timeout=5s",
		"--metric-resolution=10s",
	}
}

func healthName(namespace string) string { return fmt.Sprintf("health-%s", namespace) }
