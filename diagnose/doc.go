// Package diagnose turns findings into a verdict and ranked hypotheses; pure.
package diagnose
