// Package process starts programs that cannot outlive the process that started
// them.
package process
