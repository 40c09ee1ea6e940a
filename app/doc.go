// Package app is the composition root: it builds everything in dependency order and stops it in reverse.
package app
