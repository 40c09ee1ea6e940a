package cluster

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Users who may call the API server, beside its own components.
const (
	Admin = "admin"
	Bot   = "svcdown-bot"
)

// People have a token each, for the terminal. What they may do is in
// manifests/world.yaml.
var People = []string{"alice", "bob", "carol", "dave"}

const (
	userControllerManager = "system:kube-controller-manager"
	userScheduler         = "system:kube-scheduler"
	userKwok              = "kwok"
	userMetricsServer     = "metrics-server"
)

// groups holds every user there is; most have the permissions of RBAC alone.
func groups() map[string]string {
	all := map[string]string{
		Admin:                 "system:masters",
		Bot:                   "",
		userControllerManager: "",
		userScheduler:         "",
		userKwok:              "system:masters",
		userMetricsServer:     "system:masters",
	}
	for _, person := range People {
		all[person] = ""
	}
	return all
}

// writeUsers gives every user a new random token, writes the API server's token
// file and a kubeconfig each, and returns the tokens by user.
func writeUsers(l Layout, server, namespace string, ca []byte) (map[string]string, error) {
	tokens := map[string]string{}
	var csv strings.Builder
	for user, group := range groups() {
		raw := make([]byte, 20)
		_, _ = rand.Read(raw) // never fails, by its documentation
		tokens[user] = hex.EncodeToString(raw)
		fmt.Fprintf(&csv, "%s,%s,uid-%s,%q\n", tokens[user], user, user, group)
		if err := writeKubeconfig(kubeconfigPath(l, user), user, tokens[user], server, namespace, ca); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(l.tokens(), []byte(csv.String()), 0o600); err != nil {
		return nil, fmt.Errorf("write the token file: %w", err)
	}
	return tokens, nil
}

func kubeconfigPath(l Layout, user string) string {
	switch user {
	case Admin:
		return l.Kubeconfig()
	case Bot:
		return l.BotKubeconfig()
	}
	for _, person := range People {
		if user == person {
			return l.UserKubeconfig(user)
		}
	}
	return l.componentKubeconfig(user)
}

func writeKubeconfig(path, user, token, server, namespace string, ca []byte) error {
	const name = "sandbox"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: ca}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: user, Namespace: namespace}
	config.CurrentContext = name
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write kubeconfig of %s: %w", user, err)
	}
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("write kubeconfig of %s: %w", user, err)
	}
	return nil
}
