// Package terminal shows the same cards and sends the same verbs from a terminal.
package terminal
