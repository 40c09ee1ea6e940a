// Package binaries compiles the control plane's programs once and keeps them in
// a cache outside the source tree.
package binaries
