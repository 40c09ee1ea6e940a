// Package probe asks the health URLs of the catalogue, and nothing else, whether a service answers.
package probe
