// Package finding holds what a check saw: Findings with their Evidence, and the Hypotheses drawn from them.
package finding
