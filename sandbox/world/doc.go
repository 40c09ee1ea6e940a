// Package world is what lives inside the sandbox's cluster: the runbook's
// services, and the ways in which they break and heal.
//
// Seed makes the objects, ServeHealth plays the nodes under them and the health
// URLs outside, Break and Heal change a service's condition. Everything a
// client sees goes through the real API server: real controllers roll out,
// schedule, bind and route; the kubelets alone are played (package kubelet), by
// the condition of each pod (package condition). table.md says what each mode
// shows to each command of the runbook.
package world
