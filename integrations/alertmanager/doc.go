// Package alertmanager speaks with Alertmanager and with what posts alerts as it does.
package alertmanager
