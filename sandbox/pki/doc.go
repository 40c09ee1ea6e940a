// Package pki makes the certificates and keys of one sandbox.
package pki
