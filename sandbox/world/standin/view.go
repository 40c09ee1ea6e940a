package standin

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// ViewVariable is the environment variable that hands a stand-in its View as
// JSON. It is the one variable env and printenv do not show.
const ViewVariable = "SVCDOWN_SANDBOX_VIEW"

// View is what a program inside one container can see of the world.
type View struct {
	Namespace string           `json:"namespace"`
	Pod       string           `json:"pod"`
	PodIP     string           `json:"podIP"`
	Kind      marketplace.Kind `json:"kind"`
	Peers     []Peer           `json:"peers"`

	// Database and Cache are the condition of each as a client meets it, a
	// variant of package condition; empty when it is well.
	Database string `json:"database,omitempty"`
	Cache    string `json:"cache,omitempty"`
	// DatabaseDisk and CacheDisk are percent used of their volumes.
	DatabaseDisk int `json:"databaseDisk"`
	CacheDisk    int `json:"cacheDisk"`
	// Serving says whether this container's own process answers its port.
	Serving bool `json:"serving"`
	// Health is the status of the backend's health check and Delay what it
	// takes, both for who reaches it.
	Health int           `json:"health"`
	Delay  time.Duration `json:"delay,omitempty"`

	// Hosts are the addresses that the pod's hostAliases give to names, before
	// DNS is asked.
	Hosts map[string]string `json:"hosts,omitempty"`
	// Emptied are folders over which an empty volume is mounted.
	Emptied []string `json:"emptied,omitempty"`
}

// Peer is a Kubernetes Service of the world.
type Peer struct {
	Name string           `json:"name"`
	IP   string           `json:"ip"`
	Port int              `json:"port"`
	Up   bool             `json:"up"` // has a ready endpoint
	Kind marketplace.Kind `json:"kind"`
}

// ParseView reads the View that a stand-in was started with.
func ParseView(raw string) (View, error) {
	var v View
	if raw == "" {
		return v, fmt.Errorf("%s is not set: stand-ins run through exec into a pod of the world", ViewVariable)
	}
	if err := json.Unmarshal([]byte(raw), &v); err != nil {
		return v, fmt.Errorf("read %s: %w", ViewVariable, err)
	}
	return v, nil
}

// peer finds a Service by any of the names cluster DNS gives it, or by address.
func (v View) peer(host string) (Peer, bool) {
	for _, p := range v.Peers {
		for _, name := range []string{
			p.Name, p.Name + "." + v.Namespace, p.Name + "." + v.Namespace + ".svc",
			p.Name + "." + v.Namespace + ".svc.cluster.local", p.IP,
		} {
			if host == name {
				return p, true
			}
		}
	}
	return Peer{}, false
}

func (v View) peerOf(kind marketplace.Kind) Peer {
	for _, p := range v.Peers {
		if p.Kind == kind {
			return p
		}
	}
	return Peer{}
}

func local(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}
