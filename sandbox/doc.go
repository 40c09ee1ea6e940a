// Command sandbox runs a real Kubernetes control plane on this machine's
// loopback, with the runbook's world in it, and breaks and heals that world.
//
// Two parts make it up. This package and its folders build, start, watch and
// stop the programs; package world owns everything that lives inside: objects,
// kwok's configuration, break modes and the stand-in programs that exec reaches.
//
// # The contract between the two
//
//   - world.WriteKwokConfig(dir, o) writes dir/kwok.yaml before kwok starts.
//   - world.WriteStandIns(dir) fills dir/standins with links named psql,
//     redis-cli, … to this very executable.
//   - world.StandIn(argv) is asked first in main: handled means that argv[0]
//     named a stand-in and code is its exit code.
//   - world.Seed(ctx, config, o) creates the objects of o.Namespace; calling it
//     again changes nothing.
//   - world.Break(ctx, config, o, service, mode, seed), world.Heal(ctx, config,
//     o, service) and world.Modes(). An empty service heals all.
//   - world.ServeHealth(ctx, o) keeps the world of o.Namespace alive until ctx
//     ends: it plays the kubelets and serves the health URLs, on loopback ports
//     of its own choosing. Once it listens it has written
//     dir/health/NAMESPACE.json, an object of service name to URL, in one rename.
//     It runs as the child process `sandbox serve-health` and reads the cluster
//     with dir/kubeconfig.
//
// Whatever in a world serves TLS on loopback uses dir/pki/serving.crt and
// serving.key: the API server and metrics-server verify kubelets against
// dir/pki/ca.crt. The supervisor starts serve-health right after Seed and waits
// for the workloads after that.
//
// In world.Options, Dir is the sandbox's directory, Namespace the world's
// namespace, Nodes the number of nodes.
package main
